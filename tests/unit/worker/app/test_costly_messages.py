"""A message or a file costs no more than itself: a stall, or the failure of the file alone."""

from typing import Any

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import failed_record_uri
from funasr_fleet.contract.shard_message import read_shard
from funasr_fleet.contract.shard_record import FileRecord, decode
from funasr_fleet.storage.base import ObjectDenied, StoreUnavailable
from funasr_fleet.worker.app import task as tasks
from funasr_fleet.worker.error_handling import MAX_RETRIES
from funasr_fleet.worker.events import FileFinished
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_child import FakeChild, FakeTask
from tests.unit.worker.app.test_task import a_message


@pytest.fixture
def child() -> FakeChild:
    return FakeChild()


def test_a_message_that_takes_long_to_parse_is_a_stall(
    child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def read(document: Any) -> Any:
        seen.append(child.heart.beating)
        return read_shard(document)

    monkeypatch.setattr(tasks, "read_shard", read)
    child.run(a_message(child))
    assert seen == ["message message-1"]
    assert child.heart.beating is None
    first, second = child.heart.attempts
    assert (first, bool(second)) == ("", True)


def test_a_file_that_cannot_be_written_does_not_change_the_errors_of_others(
    child: FakeChild,
) -> None:
    uris = [child.bench.upload(f"{number}.wav") for number in range(2)]
    bad = child.bench.upload_bytes("bad.wav", b"no audio" * 100)
    for name in ("1.wav.json", "1.wav.error.json"):
        child.bench.store.failing_writes[OUTPUT + name] = ObjectDenied("refused")
    child.run(a_shard(bad, *uris).to_message())
    report = child.bench.document("bad.wav.error.json")
    assert report["error"]["kind"] == "undecodable_audio"
    failed = [one for one in child.bench.events if isinstance(one, FileFinished) and one.error_kind]
    assert [one.error_kind for one in failed] == ["undecodable_audio", "access_denied"]
    assert [one.audio for one in failed] == [bad, uris[1]]
    assert child.dead_letters == []
    records = failed_records(child)
    assert {one.relative: one.error.kind for one in records if one.error} == {
        "bad.wav": "undecodable_audio",
        "1.wav": "access_denied",
    }


def failed_records(child: FakeChild) -> list[FileRecord]:
    body = child.bench.store.read(failed_record_uri(OUTPUT, "night", "night-000000"))
    return list(decode(body))


def test_files_of_a_dead_letter_are_not_compared_with_each_other(
    child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[AudioRef] = []

    def compare(ref: AudioRef, other: object) -> bool:
        compared.append(ref)
        return ref is other

    monkeypatch.setattr(AudioRef, "__eq__", compare)
    uris = [f"s3://in/{number}.wav" for number in range(9)]
    message = a_shard(*uris).to_message()
    child.bench.store.failing_reads.update({uri: StoreUnavailable("away") for uri in uris})
    child.run(message, FakeTask(retries=MAX_RETRIES))
    assert [one[1:3] for one in child.ledger] == [(number, "failed") for number in range(9)]
    assert compared == []
    assert [f"outcome of {number}.wav" in child.heart.beats for number in range(9)] == [True] * 9
