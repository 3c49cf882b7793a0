"""The broker and the storage fail, for all or for one worker, and come back."""

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
    catch,
    names,
    upload,
    wait_until_done,
    write_manifest,
)
from tests.chaos.recordings import SPOKEN, sample

Say = Callable[[str, float], None]
BeginSlow = Callable[[float, Sequence[str], int], Job]
OUTAGE_S = 30.0


@pytest.fixture
def job(fleet: Fleet, begin_slow: BeginSlow) -> Job:
    """On two workers, at half a second a file."""
    fleet.stand(2)
    return begin_slow(0.5, names(8), SHARD_FILES)


def test_a_broker_that_is_killed_and_restarted_loses_nothing(
    job: Job, fleet: Fleet, broker: RestartableBroker, say: Say
) -> None:
    members = fleet.alive
    catch(job, members)
    broker.kill()
    try:
        until(lambda: all(map(_misses_broker, members)), 30, "they notice", job.describe)
    finally:
        broker.start()
    begun, done = time.monotonic(), len(job.results())
    until(lambda: len(job.results()) > done, RELOAD_S, "another result", job.describe)
    say("broker is back, until work goes on", time.monotonic() - begun)
    job.wait_until_over(150)
    job.check()
    assert all(one.exit_code is None for one in members)


def test_a_child_killed_during_a_broker_outage_is_replaced_and_its_files_are_processed(
    job: Job, fleet: Fleet, broker: RestartableBroker, manifest: Path, say: Say
) -> None:
    found = catch(job, fleet.alive)
    broker.kill()
    try:
        killing.kill_child(found.member.worker)
        # whichever it sees first: while it tries to connect, it looks at nothing else
        news, said = ("SIGKILL", "Cannot connect"), found.member.last_words
        until(lambda: any(one in said() for one in news), 30, "its parent notices", job.describe)
    finally:
        broker.start()
    begun = time.monotonic()
    wait_until_done(job, found.files, VISIBILITY_TIMEOUT_S + SWEEP_S + RELOAD_S)
    say("broker is back, until a dead child's files are done", time.monotonic() - begun)
    job.wait_until_over(150)
    job.check()
    _works_again(found.member, job, fleet, manifest)


def test_a_storage_outage_of_half_a_minute_loses_nothing(
    job: Job, fleet: Fleet, storage: Storage, say: Say
) -> None:
    catch(job, fleet.alive)
    storage.weather = FaultProfile(failing=1.0)
    time.sleep(OUTAGE_S)
    storage.weather, done = HEALTHY, len(job.results())
    begun = time.monotonic()
    until(lambda: len(job.results()) > done, RELOAD_S, "another result", job.describe)
    say("S3 is back, until work goes on", time.monotonic() - begun)
    job.wait_until_over(150)
    assert not job.check().dead


@pytest.mark.parametrize("frozen", [False, True], ids=["cut", "frozen"])
def test_another_worker_processes_the_files_of_a_worker_that_is_cut_off(
    job: Job, fleet: Fleet, manifest: Path, say: Say, *, frozen: bool
) -> None:
    found, begun = catch(job, fleet.alive), time.monotonic()
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
        say("one worker cut off, until another has its shard", time.monotonic() - begun)
        wait_until_done(job, found.files, RELOAD_S)
    finally:
        off.wire.restore()
    job.wait_until_over(150)
    job.check()
    assert off.exit_code is None
    _works_again(off, job, fleet, manifest)


def _works_again(off: Member, job: Job, fleet: Fleet, manifest: Path) -> None:
    """It takes messages, when nobody else does."""
    (audio,) = upload(job.store, {"a": sample(SPOKEN[0])}).values()
    source = write_manifest(manifest, [("a", audio)])
    with fleet.cut_off(but=off):
        begin(fleet, job.settings, source, 1).wait_until_over(RELOAD_S)


def _held(member: Member, shard: str) -> bool:
    told = member.events("shard started")
    return any(str(one["shard"]).startswith(shard) for one in told)


def _misses_broker(member: Member) -> bool:
    """Whether it has said so since its last connection."""
    return "Connection" in member.last_words()
