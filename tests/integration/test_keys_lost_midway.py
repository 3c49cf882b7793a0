"""All keys of a job are lost while a command works on it: the command repairs the job, or fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import close, enqueue, list_jobs, reconcile, retry, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import CannotClose, JobLost, JobRefused
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from tests.support.job_life import exists
from tests.support.losing_store import losing
from tests.support.memory_store import MemoryStore
from tests.support.messages import FILES, OUTCOMES, Worker, a_shard, shards_waiting, take, wipe

JOB = "night"
MOST_REQUESTS = 60
Losses = Iterator[tuple[int, ObjectStore, list[int]]]


@pytest.fixture
def store() -> MemoryStore:
    """A store in memory."""
    return MemoryStore("transcripts", "audio")


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    rows = "".join(f'{{"audio": "s3://audio/calls/{number}.wav"}}\n' for number in range(FILES))
    (tmp_path / "a.jsonl").write_text(rows)
    return str(tmp_path / "a.jsonl")


def lose_job(settings: Settings, job: str = JOB) -> None:
    redis: Any = connect(settings)
    if names := redis.keys(f"{settings.key_prefix}fleet:job:{job}*"):
        redis.delete(*names)


def at_each_request(settings: Settings, store: ObjectStore, job: str = JOB) -> Losses:
    """(number, store that loses the job before the request of that number, numbers of losses).

    Ends after the first number that the command under test does not reach.
    """
    for wanted in range(MOST_REQUESTS):
        lost: list[int] = []

        def before(number: int, lost: list[int] = lost, wanted: int = wanted) -> None:
            if number == wanted:
                lose_job(settings, job)
                lost.append(number)

        yield wanted, losing(store, before), lost
        if not lost:
            assert wanted > 1
            return
    raise AssertionError(f"more than {MOST_REQUESTS} requests")


def half_done(settings: Settings, store: ObjectStore, output: str, manifest: str) -> None:
    """A job of four shards of two files, half of them finished; no message is left."""
    wipe(settings)
    enqueue([manifest], output=output, job=JOB, limits=ShardLimits(files=2), store=store)
    waiting = sorted(shards_waiting(settings), key=lambda one: str(one["shard"]))
    for shard in waiting[:2]:
        Worker(settings, store, OUTCOMES).do(shard)
    while take(settings):
        pass


def test_reconcile_repairs_a_job_that_is_lost_meanwhile(
    separate_fleet: Settings, store: MemoryStore, output: str, manifest: str
) -> None:
    half_done(separate_fleet, store, output, manifest)
    for number, losing_store, _ in at_each_request(separate_fleet, store):
        lose_job(separate_fleet)
        while take(separate_fleet):
            pass
        found = reconcile(JOB, output=output, settings=separate_fleet, store=losing_store)
        assert (found.files, found.done, found.failed, found.enqueued) == (FILES, 3, 1, 4), number
        now = status(JOB, separate_fleet)
        assert (now.progress.state, now.waiting) == ("running", 4), number
        sent = {file["index"] for one in shards_waiting(separate_fleet) for file in one["files"]}
        assert sent == {4, 5, 6, 7}, number


def test_reconcile_ends_a_job_whose_keys_are_lost_meanwhile(
    separate_fleet: Settings, store: MemoryStore, output: str, manifest: str
) -> None:
    half_done(separate_fleet, store, output, manifest)
    reconcile(JOB, output=output, settings=separate_fleet, store=store)
    while shard := take(separate_fleet):
        Worker(separate_fleet, store, {}).do(shard)
    for number, losing_store, lost in at_each_request(separate_fleet, store):
        store.delete(job_uri(output, JOB, "failures.jsonl"))
        found = reconcile(JOB, output=output, settings=separate_fleet, store=losing_store)
        assert (found.files, found.done, found.failed, found.enqueued) == (FILES, 7, 1, 0), number
        now = status(JOB, separate_fleet)
        assert (now.progress.state, now.progress.failed) == ("complete", 1), number
        if lost:  # it is then written again
            assert b'"index":2' in store.read(job_uri(output, JOB, "failures.jsonl")), number


def test_reconcile_fails_when_the_job_is_lost_again_and_again(
    separate_fleet: Settings, store: MemoryStore, output: str, manifest: str
) -> None:
    half_done(separate_fleet, store, output, manifest)
    always = losing(store, lambda _: lose_job(separate_fleet))
    with pytest.raises(JobLost, match=f"fleet reconcile {JOB} --output {output}") as caught:
        reconcile(JOB, output=output, settings=separate_fleet, store=always)
    assert exit_for(caught.value) is Exit.UNREACHABLE


def test_retry_fails_when_the_job_is_lost_meanwhile(
    separate_fleet: Settings, store: MemoryStore, output: str, manifest: str
) -> None:
    for number, losing_store, lost in at_each_request(separate_fleet, store):
        half_done(separate_fleet, store, f"{output}{number}/", manifest)
        try:
            assert retry(JOB, separate_fleet, losing_store).files == 1
        except JobLost:
            assert lost, number
        else:
            assert status(JOB, separate_fleet).progress.state == "running", number


def test_close_fails_when_the_job_is_lost_meanwhile(
    separate_fleet: Settings, store: MemoryStore, output: str
) -> None:
    for files in (2, None):
        for number, losing_store, lost in at_each_request(separate_fleet, store, "by-hand"):
            wipe(separate_fleet)
            Worker(separate_fleet, store, {}).do(a_shard(output, 0, 1))
            try:
                close("by-hand", files=files, settings=separate_fleet, store=losing_store)
            except (CannotClose, JobLost):
                assert lost, (files, number)
            else:
                now = status("by-hand", separate_fleet)
                assert now.progress.state in {"running", "complete"}, (files, number)


@pytest.mark.parametrize("resumed", [False, True])
def test_enqueue_fails_when_the_job_is_lost_meanwhile(
    separate_fleet: Settings, store: MemoryStore, output: str, manifest: str, resumed: bool
) -> None:
    def run(into: str, where: ObjectStore) -> object:
        limits = ShardLimits(files=1)
        return enqueue([manifest], output=into, job=JOB, limits=limits, store=where)

    for number, losing_store, lost in at_each_request(separate_fleet, store):
        wipe(separate_fleet)
        into = f"{output}{number}/"
        if resumed:
            run(into, store)
        try:
            run(into, losing_store)
        except (JobLost, JobRefused):
            assert lost, number
        else:
            assert status(JOB, separate_fleet).progress.state == "running", number
            assert [one.job for one in list_jobs(separate_fleet)] == [JOB], number


def test_enqueue_fails_when_the_job_is_lost_while_it_is_published(
    separate_fleet: Settings,
    store: MemoryStore,
    output: str,
    manifest: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost: list[int] = []

    def lose_once(result: Any, _: int | None) -> None:
        if result.shards and not lost:
            lost.append(result.shards)
            wipe(separate_fleet)

    with pytest.raises(JobLost, match=f"fleet reconcile {JOB} --output {output}") as caught:
        enqueue(
            [manifest],
            output=output,
            job=JOB,
            limits=ShardLimits(files=1),
            progress=lose_once,
            store=store,
        )
    assert (lost, exit_for(caught.value)) == ([FILES], Exit.UNREACHABLE)
    found = reconcile(JOB, output=output, settings=separate_fleet, store=store)
    assert (found.planned, found.enqueued) == (True, FILES)
    assert not exists(store, job_uri(output, JOB, "_SUCCESS"))
