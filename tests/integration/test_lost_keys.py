"""A job that lost any key of its ledger, or any two keys, is never reported as complete."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import cancel, list_jobs, reconcile, status
from funasr_fleet.broker.ledger import JobCounts, connect
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import FILES, Worker, ended, half_done, shards_waiting, wipe


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


Keys = dict[str, tuple[bytes, int]]


def kept(settings: Settings, job: str) -> Keys:
    """A dump of every key of the ledger of a job, with its time to live."""
    redis: Any = connect(settings)
    redis = redis.from_url(settings.broker_url)  # a dump is binary
    names = [*redis.keys(f"{settings.key_prefix}fleet:job:{job}*")]
    names.append(f"{settings.key_prefix}fleet:jobs".encode())
    return {name.decode(): (redis.dump(name), max(0, redis.pttl(name))) for name in names}


def put_back(settings: Settings, keys: Keys, *, but: tuple[str, ...]) -> None:
    """Restore the ledger without some of its keys."""
    wipe(settings)
    redis: Any = connect(settings)
    for name, (value, ttl) in keys.items():
        if name not in but:
            redis.restore(name, ttl, value)


def losses(keys: Keys) -> Iterator[tuple[str, ...]]:
    """Each key, and each pair of keys."""
    yield from ((name,) for name in keys)
    yield from itertools.combinations(keys, 2)


def compared(counts: JobCounts) -> JobCounts:
    """The counts without the fields that S3 does not store."""
    forgotten: dict[str, Any] = {
        "closed_at": None,
        "begun_at": None,
        "work_ms": 0,
        "restored_ms": 0,
        "rounds": 0,
    }
    # S3 has the start time of `enqueue`, which is before the ledger's
    assert counts.created_at > 0
    return replace(counts, open_shards=0, in_flight=0, created_at=0.0, **forgotten)


def parts_lost(settings: Settings, job: str, lost: tuple[str, ...]) -> set[str]:
    """The lost keys of the job without their prefix; "" is its hash."""
    base = f"{settings.key_prefix}fleet:job:{job}"
    return {name.removeprefix(base).removeprefix(":") for name in lost if name.startswith(base)}


PLAN_AND_OUTCOMES = {"", "windows", "ok", "empty", "failed", "skipped"}


def each_loss(
    settings: Settings, job: str, check: Callable[[tuple[str, ...], set[str]], None]
) -> None:
    keys = kept(settings, job)
    assert {*PLAN_AND_OUTCOMES, "minutes", "kind:undecodable_audio"} <= parts_lost(
        settings, job, tuple(keys)
    )
    for lost in losses(keys):
        put_back(settings, keys, but=lost)
        check(lost, parts_lost(settings, job, lost))


@pytest.mark.slow
def test_any_loss_of_keys_in_a_running_job_is_detected_and_repaired(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    before = status(job, settings)
    assert (before.progress.state, before.waiting) == ("running", 4)

    def check(lost: tuple[str, ...], parts: set[str]) -> None:
        now = status(job, settings)
        assert not now.counts.complete, lost
        assert (now.progress.state == "unknown") == bool(parts & PLAN_AND_OUTCOMES), lost
        if now.progress.state == "unknown":
            assert f"fleet reconcile {job}" in str(now.to_json()["note"]), lost
        reconcile(job, output=output, settings=settings)
        after = status(job, settings)
        assert (after.progress.state, after.waiting) == ("running", 4), lost
        assert compared(after.counts) == compared(before.counts), lost
        assert job in [one.job for one in list_jobs(settings)], lost

    each_loss(settings, job, check)


@pytest.mark.slow
def test_any_loss_of_keys_in_a_finished_job_is_detected_and_repaired(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = ended(settings, store, output, tmp_path / "a.jsonl")
    before = status(job, settings)
    assert before.progress.state == "complete"

    def check(lost: tuple[str, ...], parts: set[str]) -> None:
        now = status(job, settings)
        expected = "unknown" if parts & PLAN_AND_OUTCOMES else "complete"
        assert now.progress.state == expected, lost
        assert now.counts.complete == (expected == "complete"), lost
        listed = [one for one in list_jobs(settings) if one.job == job]
        assert all(one.whole == now.counts.whole for one in listed), lost
        found = reconcile(job, output=output, settings=settings)
        assert (found.files, found.enqueued) == (FILES, 0), lost
        after = status(job, settings)
        assert after.progress.state == "complete", lost
        assert compared(after.counts) == compared(before.counts), lost
        assert after.counts.closed_at, lost

    each_loss(settings, job, check)


@pytest.mark.parametrize(
    "field", ["created_at", "output", "published", "files", "windows", "queue", "request"]
)
def test_a_lost_field_is_restored(
    settings: Settings, store: S3Store, output: str, tmp_path: Path, field: str
) -> None:
    job = ended(settings, store, output, tmp_path / "a.jsonl")
    before, redis = status(job, settings).counts, connect(settings)
    assert redis.hdel(f"{settings.key_prefix}fleet:job:{job}", field) == 1
    if field not in {"windows", "queue", "request"}:  # the cursor has the windows as well
        assert status(job, settings).progress.state == "unknown"
    reconcile(job, output=output, settings=settings)
    after = status(job, settings)
    assert (after.progress.state, compared(after.counts)) == ("complete", compared(before))


@pytest.mark.slow
def test_a_cancelled_job_is_cancelled_or_unknown_after_any_loss(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    job = half_done(settings, store, output, tmp_path / "a.jsonl")
    cancel(job, settings)
    last = max(shards_waiting(settings), key=lambda one: str(one["shard"]))
    Worker(settings, store, {}).begin(last).end()  # this cancels the files of the shard
    before = status(job, settings)
    assert before.counts.outcomes["cancelled"] == 2
    keys = kept(settings, job)
    for name in keys:
        put_back(settings, keys, but=(name,))
        now = status(job, settings)
        assert now.progress.state in {"cancelled", "unknown"}, name
        assert now.counts.complete <= now.counts.whole, name
        reconcile(job, output=output, settings=settings)
        after = status(job, settings)
        assert (after.progress.state, after.counts.whole) == ("cancelled", True), name
        assert after.progress.cancelled == before.progress.cancelled == 4, name
