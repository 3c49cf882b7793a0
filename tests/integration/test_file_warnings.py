"""Warnings of results in the ledger: counting, loss, restoring and reports."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import file_warnings, reconcile, report, status
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.file_warnings import WarningExample
from funasr_fleet.broker.ledger.job_writer import Restored
from funasr_fleet.broker.ledger.values import EXAMPLES_PER_KIND, FileDetail
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.shard_record import decode, encode
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import FILES, ended, wipe


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


@pytest.fixture
def planner(settings: Settings) -> JobWriter:
    return JobWriter(connect(settings), settings.key_prefix)


class Ledger:
    """A job of nine files in the ledger."""

    def __init__(self, settings: Settings, planner: JobWriter) -> None:
        self.job = f"job-{uuid.uuid4()}"
        self.reader = LedgerReader(connect(settings), settings.key_prefix)
        self._writer = OutcomeWriter(connect(settings), settings.key_prefix)
        planner.begin(self.job, "s3://transcripts/x/", queue="fleet")
        planner.plan(self.job, 0, 9, 120_000, [])

    def record(self, index: int, *warnings: str, outcome: Outcome = "ok") -> None:
        detail = FileDetail(relative=f"{index}.wav", warnings=warnings)
        self._writer.record(self.job, index, outcome, 10, detail=detail)

    @property
    def warnings(self) -> dict[str, int]:
        counts = self.reader.counts(self.job)
        assert counts
        return counts.warnings


@pytest.fixture
def ledger_of_job(settings: Settings, planner: JobWriter) -> Ledger:
    return Ledger(settings, planner)


def test_the_warnings_of_a_file_are_counted_once(ledger_of_job: Ledger) -> None:
    for _ in range(2):
        ledger_of_job.record(0, "audio_damaged", "repeated_phrase")
        ledger_of_job.record(1, "audio_damaged")
        ledger_of_job.record(2)
    ledger_of_job.record(1, outcome="skipped")  # the message is delivered again
    assert ledger_of_job.warnings == {"audio_damaged": 2, "repeated_phrase": 1}
    assert ledger_of_job.reader.warning_examples(ledger_of_job.job) == [
        WarningExample(kind="repeated_phrase", index=0, relative="0.wav"),
        WarningExample(kind="audio_damaged", index=0, relative="0.wav"),
        WarningExample(kind="audio_damaged", index=1, relative="1.wav"),
    ]


def test_another_result_of_a_file_replaces_its_warnings(
    ledger_of_job: Ledger, planner: JobWriter
) -> None:
    ledger_of_job.record(0, "audio_damaged", "audio_truncated")
    ledger_of_job.record(0, "audio_damaged")
    assert ledger_of_job.warnings == {"audio_damaged": 1}
    planner.reopen(ledger_of_job.job, [0])
    assert ledger_of_job.warnings == {}
    assert ledger_of_job.reader.warning_examples(ledger_of_job.job) == []


def test_all_files_are_counted_and_some_are_examples(ledger_of_job: Ledger) -> None:
    for index in range(9):
        ledger_of_job.record(index, "format_changed")
    assert ledger_of_job.warnings == {"format_changed": 9}
    examples = ledger_of_job.reader.warning_examples(ledger_of_job.job)
    assert len(examples) == EXAMPLES_PER_KIND


def test_lost_warnings_are_unknown_until_they_are_restored(
    ledger_of_job: Ledger, planner: JobWriter, settings: Settings
) -> None:
    job = ledger_of_job.job
    ledger_of_job.record(0, "audio_damaged")
    ledger_of_job.record(1, "audio_damaged", "channels_cancel")
    redis: Any = connect(settings)
    redis.delete(f"{settings.key_prefix}fleet:job:{job}:warning:audio_damaged")
    assert ledger_of_job.warnings == {"unknown": 2, "channels_cancel": 1}
    for _ in range(2):
        planner.restore(job, [Restored(0, "ok", 10, warnings=("audio_damaged",))])
        assert ledger_of_job.warnings == {"audio_damaged": 1, "channels_cancel": 1, "unknown": 1}
    planner.restore(job, [Restored(1, "ok", 10, warnings=("audio_damaged", "channels_cancel"))])
    assert ledger_of_job.warnings == {"audio_damaged": 2, "channels_cancel": 1}


def test_restored_warnings_count_as_recorded(
    ledger_of_job: Ledger, planner: JobWriter, settings: Settings
) -> None:
    redis: Any = connect(settings)
    planner.restore(ledger_of_job.job, [Restored(0, "ok", 10, warnings=("audio_damaged",))])
    key = f"{settings.key_prefix}fleet:job:{ledger_of_job.job}:warning:audio_damaged"
    assert redis.delete(key) == 1
    assert ledger_of_job.warnings == {"unknown": 1}


def test_restored_warnings_do_not_replace_those_of_another_outcome(
    ledger_of_job: Ledger, planner: JobWriter
) -> None:
    ledger_of_job.record(0, outcome="failed")
    ledger_of_job.record(1)
    restored = [Restored(0, "ok", 10, warnings=("audio_damaged",))]
    restored += [Restored(index, "ok", 10, warnings=("unknown",)) for index in (1, 2)]
    planner.restore(ledger_of_job.job, restored)
    assert ledger_of_job.warnings == {"unknown": 1}
    ledger_of_job.record(2, "audio_damaged")
    assert ledger_of_job.warnings == {"audio_damaged": 1}


def test_warnings_recorded_after_the_end_of_a_job_expire_with_it(
    ledger_of_job: Ledger, planner: JobWriter, settings: Settings
) -> None:
    assert planner.close(ledger_of_job.job, 1000, 0)
    ledger_of_job.record(0, "audio_damaged")
    redis: Any = connect(settings)
    keys = redis.keys(f"{settings.key_prefix}fleet:job:{ledger_of_job.job}:warning*")
    assert len(keys) == 2
    assert all(0 < redis.ttl(key) <= 1000 for key in keys)


@pytest.fixture
def job(settings: Settings, store: S3Store, output: str, tmp_path: Path) -> str:
    """A finished job; one of its files has a warning."""
    return ended(settings, store, output, tmp_path / "a.jsonl")


def test_a_report_and_the_examples_have_the_warnings(settings: Settings, job: str) -> None:
    assert report(job, settings)["warnings"] == {"audio_damaged": 1}
    (group,) = file_warnings(job, settings)
    assert (group.kind, group.count) == ("audio_damaged", 1)
    assert [one.relative for one in group.examples] == ["calls/0.wav"]


def test_reconcile_restores_warnings_from_the_rows_of_the_workers(
    settings: Settings, job: str, output: str
) -> None:
    before = file_warnings(job, settings)
    wipe(settings)
    assert reconcile(job, output=output, settings=settings).done == FILES - 1
    assert file_warnings(job, settings) == before


def test_warnings_are_unknown_where_the_rows_have_none(
    settings: Settings, store: S3Store, job: str, output: str
) -> None:
    first = next(store.list(job_uri(output, job, "shards/")))
    rows = decode(store.read(first.uri))  # as an earlier release wrote them
    old = [row.model_copy(update={"warnings": None}) for row in rows]
    store.write(first.uri, encode(old), "application/x-ndjson")
    assert [row.outcome for row in old] == ["ok", "empty"]
    wipe(settings)
    reconcile(job, output=output, settings=settings)
    assert status(job, settings).counts.warnings == {"unknown": 2}
