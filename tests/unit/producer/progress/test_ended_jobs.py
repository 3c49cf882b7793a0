"""Jobs in which nothing waits, but which are not complete: cancelled, or with open shards."""

from dataclasses import replace

from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.producer.progress.measuring import measure
from tests.support.examples import BEGUN, counted


def test_a_job_with_cancelled_files_is_never_complete() -> None:
    waiting = counted({"ok": 1}, files=3, cancelled_at=5.0)
    for job in (waiting, counted({"ok": 1, "cancelled": 2}, files=3, cancelled_at=5.0)):
        assert (job.complete, job.settled, job.over, job.cancelled) == (False, True, True, 2)
    assert counted({"ok": 3}, files=3, cancelled_at=5.0).complete


def test_a_declared_job_may_have_more_files_until_its_shards_have_ended() -> None:
    job = counted({"ok": 4}, declared=True, open_shards=1)
    assert shown(job) == (None, None)
    ended = replace(job, open_shards=0)
    assert shown(ended) == (0, 1.0)
    assert (ended.complete, replace(ended, closed_at=BEGUN + 60).complete) == (False, True)
    open_files = replace(job, files=5)
    assert shown(open_files) == (1, 0.8)


def shown(counts: JobCounts) -> tuple[int | None, float | None]:
    """Waiting files and the fraction of a job."""
    found = measure(counts, [], [], BEGUN + 600)
    return found.waiting, found.fraction
