"""A job that is lost from the list of jobs is listed again as soon as a worker reports it."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import enqueue, list_jobs, status
from funasr_fleet.broker.ledger import OutcomeWriter, connect
from funasr_fleet.exporter.metrics import read
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.producer.progress.measuring import state_of
from funasr_fleet.settings import Settings
from tests.support.memory_store import MemoryStore
from tests.support.messages import Worker, a_shard, enqueued, shards_waiting, wipe


@pytest.fixture
def store() -> MemoryStore:
    """A store in memory, for the results."""
    return MemoryStore("transcripts", "audio")


def listed(settings: Settings) -> dict[str, str]:
    """The state of each job in the list of jobs."""
    return {one.job: state_of(one) for one in list_jobs(settings)}


def exported(settings: Settings, state: str) -> float:
    """The exporter's number of jobs in this state."""
    found = {
        (name, labels): value for name, labels, value in read(FleetCollector(settings).collect())
    }
    return found["asr_jobs", (state,)]


def lose_lists(settings: Settings) -> None:
    redis: Any = connect(settings)
    redis.delete(*redis.keys(f"{settings.key_prefix}fleet:jobs*"))


def test_a_job_that_is_lost_while_a_worker_processes_its_shard_is_listed_as_unknown(
    separate_fleet: Settings, store: MemoryStore, output: str, tmp_path: Path
) -> None:
    job = enqueued(output, tmp_path / "a.jsonl")
    worker = Worker(separate_fleet, store, {}).begin(shards_waiting(separate_fleet)[0])
    first, second = worker.shard.files
    wipe(separate_fleet)
    assert listed(separate_fleet) == {}
    Worker(separate_fleet, store, {}).finish(worker, first)
    assert listed(separate_fleet) == {job: "unknown"}
    assert exported(separate_fleet, "unknown") == 1
    note = status(job, separate_fleet).note
    assert note
    assert f"fleet reconcile {job} --output {output}`" in note
    wipe(separate_fleet)
    Worker(separate_fleet, store, {}).finish(worker, second)
    assert listed(separate_fleet) == {job: "unknown"}
    redis: Any = connect(separate_fleet)
    names = redis.keys(f"{separate_fleet.key_prefix}fleet:job:{job}*")
    assert all(redis.ttl(name) > 0 for name in names)  # until the job is reconciled


def test_a_planned_job_is_listed_again_with_its_next_shard(
    separate_fleet: Settings, store: MemoryStore, output: str, tmp_path: Path
) -> None:
    job = enqueued(output, tmp_path / "a.jsonl")
    created_at = status(job, separate_fleet).counts.created_at
    lose_lists(separate_fleet)
    Worker(separate_fleet, store, {}).begin(shards_waiting(separate_fleet)[0])
    assert listed(separate_fleet) == {job: "running"}
    assert exported(separate_fleet, "running") == 1
    other = enqueue([str(tmp_path / "a.jsonl")], output=output, job="other")
    assert any(f"job {job} is not finished" in warning for warning in other.warnings)
    redis: Any = connect(separate_fleet)
    times = redis.zrange(f"{separate_fleet.key_prefix}fleet:jobs", 0, -1, withscores=True)
    assert dict(times)[job] == pytest.approx(created_at)


def test_the_time_of_a_listed_job_stays(
    separate_fleet: Settings, store: MemoryStore, output: str
) -> None:
    worker = Worker(separate_fleet, store, {}).begin(a_shard(output, 0, 1))
    redis: Any = connect(separate_fleet)
    times = f"{separate_fleet.key_prefix}fleet:jobs:undeclared"
    before = redis.zrange(times, 0, -1, withscores=True)
    for ref in worker.shard.files:
        Worker(separate_fleet, store, {}).finish(worker, ref)
    assert redis.zrange(times, 0, -1, withscores=True) == before
    assert listed(separate_fleet) == {"by-hand": "unknown"}


def test_the_end_of_a_shard_of_a_lost_job_leaves_no_keys_that_never_expire(
    settings: Settings,
) -> None:
    job, recorder = f"job-{uuid.uuid4()}", OutcomeWriter(connect(settings))
    recorder.add_work(job, 5)
    recorder.cancel_files(job, [0, 1])
    recorder.end_shard(job, "shard", 5)
    redis: Any = connect(settings)
    assert redis.keys(f"fleet:job:{job}*") == []
