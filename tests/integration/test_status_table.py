"""The table of docs/producer.md: the output of `fleet status` about a job, and its exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import JobStatus, close, status
from funasr_fleet.broker.ledger import JobWriter, OutcomeWriter, connect
from funasr_fleet.cli.exits import exit_for, exit_of
from funasr_fleet.cli.watching import watch_job
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.settings import Settings
from tests.support.memory_store import MemoryStore
from tests.support.messages import wipe

PAGE = Path(__file__).parents[2] / "docs" / "producer.md"
JOB, OUTPUT = "night", "s3://transcripts/x/"
Row = tuple[str, str, str, int]


def rows() -> list[Row]:
    """(job, what Redis has, state, exit code) of each row of the table."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = lines.index("| job | Redis has | state | exit code |") + 2
    table = lines[first : lines.index("", first)]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    return [(job, has, state.strip("`"), int(code)) for job, has, state, code in cells]


class Jobs:
    """Makes the job of a row: four files in one window."""

    def __init__(self, settings: Settings) -> None:
        self.redis: Any = connect(settings)
        self.prefix, self.settings = settings.key_prefix, settings
        self.writer = JobWriter(self.redis, self.prefix)
        self.worker = OutcomeWriter(self.redis, self.prefix)

    def planned(self, *outcomes: Outcome, published: bool = True) -> None:
        self.writer.begin(JOB, OUTPUT, request="digest", queue="fleet")
        self.writer.plan(JOB, 0, 4, 1000, [])
        if published:
            self.writer.end_publishing(JOB, 1)
        self.finish(*outcomes)

    def finish(
        self, *outcomes: Outcome, job_files: int | None = None, has_indexes: bool = True
    ) -> None:
        files = len(outcomes)
        self.worker.begin_shard(
            JOB, "shard", files, output=OUTPUT, job_files=job_files, has_indexes=has_indexes
        )
        for index, outcome in enumerate(outcomes):
            self.worker.record(JOB, index, outcome, 10)
        self.worker.end_shard(JOB, "shard", 10)

    def cancelled(self, *outcomes: Outcome) -> None:
        self.planned(*outcomes)
        self.writer.cancel(JOB)

    def cancelled_and_lost(self) -> None:
        self.lost(":ok")
        self.writer.cancel(JOB)

    def lost(self, *names: str) -> None:
        self.planned("ok", "ok", "ok", "ok")
        for name in names:
            assert self.redis.delete(f"{self.prefix}fleet:job:{JOB}{name}") == 1

    def lost_then_worked_on(self) -> None:
        self.planned("ok", "ok")
        wipe(self.settings)
        self.finish("ok", "ok", "ok", "ok")

    def all_lost(self) -> None:
        self.planned("ok", "ok", "ok", "ok")
        wipe(self.settings)

    def reconciled(self) -> None:
        self.lost(":ok")
        self.writer.rebuild(JOB, OUTPUT, at=1.0, request="digest", queue="fleet")
        self.writer.plan(JOB, 0, 4, 1000, [])

    def closed(self, files: int) -> None:
        self.finish("ok", "ok")
        close(JOB, files=files, settings=self.settings, store=MemoryStore("transcripts"))


MAKE: dict[tuple[str, str], Callable[[Jobs], None]] = {
    ("never enqueued", "nothing"): lambda jobs: None,
    ("being published", "everything"): lambda jobs: jobs.planned("ok", published=False),
    ("published, files wait", "everything"): lambda jobs: jobs.planned("ok", "failed"),
    ("every file has an outcome", "everything"): lambda jobs: jobs.planned(
        "ok", "empty", "skipped", "ok"
    ),
    ("every file has an outcome, some failed", "everything"): lambda jobs: jobs.planned(
        "ok", "failed", "ok", "ok"
    ),
    ("cancelled", "everything"): lambda jobs: jobs.cancelled("ok"),
    ("cancelled after some files failed", "everything"): lambda jobs: jobs.cancelled("failed"),
    ("cancelled", "a part, with the cancellation"): Jobs.cancelled_and_lost,
    ("any", "nothing, its data was lost"): Jobs.all_lost,
    ("any that is watched (`--watch`, `--wait`)", "nothing, its data was lost"): Jobs.planned,
    ("not cancelled", "only what workers wrote after a loss"): Jobs.lost_then_worked_on,
    ("not cancelled", "the plan without some outcomes"): lambda jobs: jobs.lost(":ok"),
    ("not cancelled", "outcomes without the whole plan"): lambda jobs: jobs.lost(":windows"),
    ("being reconciled after a loss", "a part"): Jobs.reconciled,
    ("of another client, number of files unknown", "outcomes"): lambda jobs: jobs.finish(
        "ok", "ok"
    ),
    ("of another client, with files that have no `index`", "everything"): lambda jobs: jobs.finish(
        "ok", "ok", job_files=2, has_indexes=False
    ),
    ("of another client, number of files known, files wait", "everything"): lambda jobs: (
        jobs.closed(files=4)
    ),
    (
        "of another client, number of files known, every file has an outcome",
        "everything, report not written",
    ): lambda jobs: jobs.finish("ok", "ok", job_files=2),
    (
        "of another client, number of files known, every file has an outcome",
        "everything, report written",
    ): lambda jobs: jobs.closed(files=2),
}


def said(settings: Settings, *, watch: bool) -> tuple[str, int, str]:
    """(state or "error", exit code, text) of `fleet status`, with --watch if it is set."""

    def lose(_: float) -> None:
        wipe(settings)

    def ask() -> JobStatus:
        return status(JOB, settings)

    try:
        found = watch_job(ask, quiet=True, sleep=lose) if watch else ask()
    except Exception as error:
        return "error", int(exit_for(error) or 0), str(error)
    return found.progress.state, int(exit_of(found)), str(found.note)


def test_the_table_has_every_case_once() -> None:
    assert sorted((job, has) for job, has, _, _ in rows()) == sorted(MAKE)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]} - {row[1]}")
def test_what_status_says_is_what_the_table_says(separate_fleet: Settings, row: Row) -> None:
    job, has, state, code = row
    MAKE[job, has](Jobs(separate_fleet))
    found, found_code, text = said(separate_fleet, watch="watched" in job)
    assert (found, found_code) == (state, code)
    if "no `index`" in job:
        assert "send the files in another job, each with an index" in text
    elif state in {"unknown", "error"}:
        assert f"fleet reconcile {JOB} --output" in text
    if has == "nothing":  # Redis cannot tell a misspelt name from a lost job
        assert "misspelt" in text
    if "another client, number" in job and state == "unknown":
        assert f"fleet close {JOB} --files" in text
