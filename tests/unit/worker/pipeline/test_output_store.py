"""The outputs of one file: which are written, in which order, and how refusals are told."""

import pytest

from funasr_fleet.contract.job import Format
from funasr_fleet.contract.transcript import AudioInfo
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.worker.errors import OutputUnwritable, Skip
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.receipt import write_error
from tests.support.examples import OUTPUT, a_receipt, a_segment, a_transcript, who
from tests.support.stores import WatchedStore

MARK = "sha256:ab"


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore("out")


@pytest.fixture
def outputs(store: WatchedStore) -> Outputs:
    return Outputs(store, OUTPUT, "calls/a.wav")


SAID = a_transcript(a_segment(0, 9, "three"), receipt=a_receipt(fingerprint=MARK, job="night"))


@pytest.mark.parametrize(
    "formats", [(), ("json",), ("json", "srt"), ("srt", "json", "txt", "vtt"), ("txt", "txt")]
)
def test_every_format_is_written_once_and_the_json_last(
    store: WatchedStore, outputs: Outputs, formats: tuple[Format, ...]
) -> None:
    outputs.prepare(SAID, formats)
    outputs.commit(SAID)
    assert store.writes[-1] == f"{OUTPUT}calls/a.wav.json"
    assert sorted(uri.rpartition(".")[2] for uri in store.writes) == sorted({*formats, "json"})


@pytest.mark.parametrize(
    ("only_job", "fingerprint"), [(None, MARK), ("night", MARK), ("other", None)]
)
def test_an_existing_result_has_its_fingerprint_if_of_the_requested_job(
    outputs: Outputs, only_job: str | None, fingerprint: str | None
) -> None:
    outputs.commit(SAID)
    made = outputs.existing(only_job)
    assert (made.fingerprint if made else None) == fingerprint


def test_a_missing_result_is_none(outputs: Outputs) -> None:
    assert outputs.existing(None) is None
    assert Outputs(WatchedStore(), OUTPUT, "a").existing(None) is None


def test_unavailable_storage_is_not_mistaken_for_a_missing_result(
    store: WatchedStore, outputs: Outputs
) -> None:
    store.failing_reads[f"{OUTPUT}calls/a.wav.json"] = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        outputs.existing(None)


@pytest.mark.parametrize(
    "error", [ObjectDenied("no"), BucketMissing("no"), CredentialsRefused("no")]
)
def test_a_denied_write_is_not_mistaken_for_unavailable_storage(
    store: WatchedStore, outputs: Outputs, error: StoreError
) -> None:
    store.failing_writes[f"{OUTPUT}calls/a.wav.json"] = error
    with pytest.raises(OutputUnwritable, match="cannot write results: no"):
        outputs.commit(SAID)


def test_an_error_report_is_deleted_when_the_result_is_written(
    store: WatchedStore, outputs: Outputs
) -> None:
    report = write_error(Skip("poison", "m"), who(), AudioInfo(uri="s3://in/a"), "now")
    outputs.write_error(report)
    assert store.read(f"{OUTPUT}calls/a.wav.error.json") == report.to_json()
    for _ in range(2):
        outputs.prepare(SAID, ())
        outputs.commit(SAID)
        assert list(store.objects["out"]) == ["prefix/calls/a.wav.json"]
