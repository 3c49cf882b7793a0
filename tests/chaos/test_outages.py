"""Outages of the broker and the storage, for all workers or for one."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.faults import killing
from bench.faults.broker import RestartableBroker
from bench.faults.storage import HEALTHY, FaultProfile, Storage
from tests.chaos.fleet import RELOAD_S, SWEEP_S, VISIBILITY_TIMEOUT_S, Fleet, Member, until
from tests.chaos.jobs import (
    SHARD_FILES,
    Job,
    begin,
    names,
    upload,
    wait_for_busy_worker,
    wait_until_done,
    write_manifest,
)
from tests.chaos.recordings import SPOKEN, sample

ReportDuration = Callable[[str, float], None]
BeginSlow = Callable[[float, Sequence[str], int], Job]
OUTAGE_S = 30.0


@pytest.fixture
def job(fleet: Fleet, begin_slow: BeginSlow) -> Job:
    """A job on two workers, with half a second per file."""
    fleet.stand(2)
    return begin_slow(0.5, names(8), SHARD_FILES)


def test_a_broker_that_is_killed_and_restarted_loses_nothing(
    job: Job, fleet: Fleet, broker: RestartableBroker, report_duration: ReportDuration
) -> None:
    members = fleet.alive
    wait_for_busy_worker(job, members)
    broker.kill()
    try:
        until(lambda: all(map(_has_lost_broker, members)), 30, "they notice", job.describe)
    finally:
        broker.start()
    begun, done = time.monotonic(), len(job.results())
    until(lambda: len(job.results()) > done, RELOAD_S, "another result", job.describe)
    report_duration("broker is back, until processing resumes", time.monotonic() - begun)
    job.wait_until_over(150)
    job.check()
    assert all(one.exit_code is None for one in members)


def test_a_child_killed_during_a_broker_outage_is_replaced_and_its_files_are_processed(
    job: Job,
    fleet: Fleet,
    broker: RestartableBroker,
    manifest: Path,
    report_duration: ReportDuration,
) -> None:
    found = wait_for_busy_worker(job, fleet.alive)
    broker.kill()
    try:
        killing.kill_child(found.member.worker)
        # either message may come first: while the parent reconnects, it does not check its children
        news, log = ("SIGKILL", "Cannot connect"), found.member.last_log_lines
        until(
            lambda: any(one in log() for one in news),
            30,
            "its parent logs the death or the outage",
            job.describe,
        )
    finally:
        broker.start()
    begun = time.monotonic()
    wait_until_done(job, found.files, VISIBILITY_TIMEOUT_S + SWEEP_S + RELOAD_S)
    report_duration("broker is back, until a dead child's files are done", time.monotonic() - begun)
    job.wait_until_over(150)
    job.check()
    _works_again(found.member, job, fleet, manifest)


def test_a_storage_outage_of_half_a_minute_loses_nothing(
    job: Job, fleet: Fleet, storage: Storage, report_duration: ReportDuration
) -> None:
    wait_for_busy_worker(job, fleet.alive)
    storage.weather = FaultProfile(failing=1.0)
    time.sleep(OUTAGE_S)
    storage.weather, done = HEALTHY, len(job.results())
    begun = time.monotonic()
    until(lambda: len(job.results()) > done, RELOAD_S, "another result", job.describe)
    report_duration("S3 is back, until processing resumes", time.monotonic() - begun)
    job.wait_until_over(150)
    assert not job.check().dead


@pytest.mark.parametrize("frozen", [False, True], ids=["cut", "frozen"])
def test_another_worker_processes_the_files_of_a_worker_that_is_cut_off(
    job: Job, fleet: Fleet, manifest: Path, report_duration: ReportDuration, *, frozen: bool
) -> None:
    found, begun = wait_for_busy_worker(job, fleet.alive), time.monotonic()
    off = found.member
    if frozen:
        off.wire.freeze()
    else:
        off.wire.cut()
    try:
        (other,) = found.others
        until(
            lambda: _held(other, found.shard),
            VISIBILITY_TIMEOUT_S + SWEEP_S + RELOAD_S,
            "another worker has its shard",
            job.describe,
        )
        report_duration("one worker cut off, until another has its shard", time.monotonic() - begun)
        wait_until_done(job, found.files, RELOAD_S)
    finally:
        off.wire.restore()
    job.wait_until_over(150)
    job.check()
    assert off.exit_code is None
    _works_again(off, job, fleet, manifest)


def _works_again(off: Member, job: Job, fleet: Fleet, manifest: Path) -> None:
    """Check that this worker processes messages while all others are cut off."""
    (audio,) = upload(job.store, {"a": sample(SPOKEN[0])}).values()
    source = write_manifest(manifest, [("a", audio)])
    with fleet.cut_off(but=off):
        begin(fleet, job.settings, source, 1).wait_until_over(RELOAD_S)


def _held(member: Member, shard: str) -> bool:
    started = member.events("shard started")
    return any(str(one["shard"]).startswith(shard) for one in started)


def _has_lost_broker(member: Member) -> bool:
    """Whether the worker's last log lines contain a connection error."""
    return "Connection" in member.last_log_lines()
