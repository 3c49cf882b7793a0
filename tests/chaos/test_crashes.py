"""Killed children and workers, and workers that receive SIGTERM."""

import time
from collections.abc import Callable, Sequence

import pytest

from bench.faults import killing
from tests.chaos.fleet import (
    DRAIN_S,
    RELOAD_S,
    STALL_S,
    SWEEP_S,
    VISIBILITY_TIMEOUT_S,
    Fleet,
    until,
)
from tests.chaos.jobs import (
    SHARD_FILES,
    BusyWorker,
    Job,
    names,
    wait_for_busy_worker,
    wait_until_done,
)

ReportDuration = Callable[[str, float], None]
BeginSlow = Callable[[float, Sequence[str], int], Job]
_SHARDS = 5
_STOPS_TAKING = "received SIGTERM: draining; no new shards will be started"


@pytest.fixture
def job(fleet: Fleet, begin_slow: BeginSlow) -> Job:
    """A job on two workers, with one second per file."""
    fleet.stand(2)
    return begin_slow(1.0, names(_SHARDS), SHARD_FILES)


def test_a_killed_child_is_replaced_and_its_files_are_processed(
    job: Job, fleet: Fleet, report_duration: ReportDuration
) -> None:
    found, begun = wait_for_busy_worker(job, fleet.alive), time.monotonic()
    killing.kill_child(found.member.worker)
    wait_until_done(job, found.files, RELOAD_S)
    report_duration("child SIGKILL, until its files are done", time.monotonic() - begun)
    job.wait_until_over(150)
    job.check()


def test_another_worker_processes_the_files_of_a_killed_worker(
    job: Job, fleet: Fleet, report_duration: ReportDuration
) -> None:
    found, begun = wait_for_busy_worker(job, fleet.alive), time.monotonic()
    killing.kill_worker(found.member.worker)
    wait_until_done(job, found.files, VISIBILITY_TIMEOUT_S + SWEEP_S + RELOAD_S)
    report_duration("worker SIGKILL, until its files are done", time.monotonic() - begun)
    assert found.member.exit_code == 128 + 9
    fleet.start()
    job.wait_until_over(150)
    job.check()


def test_a_stopped_worker_requeues_the_files_it_has_not_started(
    job: Job, fleet: Fleet, report_duration: ReportDuration
) -> None:
    found, begun = wait_for_busy_worker(job, fleet.alive), time.monotonic()
    killing.ask_to_stop(found.member.worker)
    left = _wait_for_exit(found, job, DRAIN_S + 5)
    report_duration("SIGTERM, until the worker has ended", left - begun)
    # up to a visibility timeout if the other worker must replace an idle child (see its notes)
    wait_until_done(job, found.files, VISIBILITY_TIMEOUT_S + 5)
    report_duration("SIGTERM, until its files are done elsewhere", time.monotonic() - begun)
    fleet.start()
    job.wait_until_over(150)
    evidence = job.check()
    assert not evidence.dead


def test_a_second_signal_requeues_everything_at_once(
    fleet: Fleet, begin_slow: BeginSlow, report_duration: ReportDuration
) -> None:
    stopped, other = fleet.stand(2)
    job = begin_slow(STALL_S - 3, ["a", "b", "c"], 1)
    until(lambda: stopped.active_shard(job.name), 60, "a shard is in progress", job.describe)
    killing.ask_to_stop(stopped.worker)
    until(lambda: stopped.events(_STOPS_TAKING), 5, "it received the first signal", job.describe)
    begun = time.monotonic()
    killing.ask_to_stop(stopped.worker)
    until(lambda: stopped.exit_code is not None, DRAIN_S - 3, "its end", job.describe)
    report_duration("second SIGTERM, until the worker has ended", time.monotonic() - begun)
    assert stopped.exit_code == 0
    fleet.start()
    job.wait_until_over(150)
    assert not job.check().dead
    assert other.exit_code is None


def _wait_for_exit(found: BusyWorker, job: Job, deadline_s: float) -> float:
    until(lambda: found.member.exit_code is not None, deadline_s, "the worker's end", job.describe)
    assert found.member.exit_code == 0
    return time.monotonic()
