"""`fleet reconcile` restores the warnings of results from shard records."""

import contextlib

import pytest

from funasr_fleet.broker.ledger.file_warnings import WARNINGS
from funasr_fleet.contract.shard_record import FileRecord, RecordedError
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.producer.dedup.existing import ExistingResults
from funasr_fleet.producer.jobs.rebuild import _FindOutcome
from funasr_fleet.producer.jobs.recorded_outcomes import JobOutcomes
from funasr_fleet.producer.planning.packing import PlannedFile
from funasr_fleet.producer.planning.request import JobRequest
from tests.support.examples import OUTPUT, a_ref
from tests.support.memory_store import MemoryStore

OK_WITHOUT_WARNINGS = FileRecord(index=5, relative="a", outcome="ok", warnings=())
SKIPPED = FileRecord(index=5, relative="a", outcome="skipped")


@pytest.mark.parametrize(
    ("warnings", "outcome", "known"),
    [
        ((), "ok", ()),
        (("repeated_phrase", "audio_damaged"), "ok", ("repeated_phrase", "audio_damaged")),
        (("channels_cancel",), "empty", ("channels_cancel",)),
        (("of a later release",), "ok", ()),
        (None, "ok", ("unknown",)),
        (None, "skipped", ()),
    ],
)
def test_the_warnings_of_a_file_are_those_of_its_row(
    warnings: tuple[str, ...] | None, outcome: Outcome, known: tuple[str, ...]
) -> None:
    outcomes = JobOutcomes()
    outcomes.take(FileRecord(index=5, relative="a", outcome=outcome, warnings=warnings))
    outcomes.take(SKIPPED)
    assert (outcomes.warnings(4), outcomes.warnings(5)) == ((), known)


def test_every_kind_of_warning_fits_its_bits() -> None:
    outcomes = JobOutcomes()
    outcomes.take(FileRecord(index=0, relative="a", outcome="ok", warnings=WARNINGS))
    assert outcomes.warnings(0) == WARNINGS


@pytest.mark.parametrize(("rows", "known"), [([], ("unknown",)), ([OK_WITHOUT_WARNINGS], ())])
def test_the_warnings_of_a_result_without_a_row_are_unknown(
    rows: list[FileRecord], known: tuple[str, ...]
) -> None:
    outcomes = JobOutcomes()
    for row in rows:
        outcomes.take(row)
    request = JobRequest(sources=("s3://in/",), output=OUTPUT)
    with contextlib.closing(ExistingResults()) as existing:
        existing.note_object("a.wav.json", "etag")
        find = _FindOutcome(MemoryStore("out"), "night", request, outcomes, existing, "2026")
        found = find(PlannedFile(5, b"", 0), a_ref("s3://in/a.wav"), current=True)
    assert found
    assert (found.relative, found.warnings) == ("a.wav", known)


def test_a_failure_without_an_error_report_is_restored_from_its_row() -> None:
    outcomes = JobOutcomes()
    error = RecordedError(kind="access_denied", message="no")
    outcomes.take(FileRecord(index=5, relative="a.wav", outcome="failed", error=error))
    request = JobRequest(sources=("s3://in/",), output=OUTPUT)
    with contextlib.closing(ExistingResults()) as existing:
        find = _FindOutcome(MemoryStore("out"), "night", request, outcomes, existing, "2026")
        found = find(PlannedFile(5, b"", 0), a_ref("s3://in/a.wav"), current=False)
        assert find(PlannedFile(6, b"", 0), a_ref("s3://in/b.wav"), current=False) is None
    assert found
    assert found.failure
    assert (found.outcome, found.failure.kind) == ("failed", "access_denied")
