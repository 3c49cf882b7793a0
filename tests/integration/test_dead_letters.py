"""Dead letters in a real Valkey: read in pages, requeued, dropped."""

import uuid
from typing import Any

import pytest

from funasr_fleet import drop_dead, list_dead, requeue_dead, retry
from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import JobCounts, JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.keys import attempts_key, identity_of
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.queues import broker_lists, broker_priority
from funasr_fleet.producer.planning.request import JobRequest, write_request
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import shards_waiting

MANY = 1234


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    return separate_fleet


@pytest.fixture
def redis(settings: Settings) -> Any:
    return connect(settings)


def shard(name: str, output: str, job: str | None = None, *indexes: int) -> dict[str, Any]:
    rows = [{"index": one, "audio": f"s3://audio/{one}"} for one in indexes]
    named = {"job": job} if job else {}
    rows = rows or [{"audio": "s3://audio/0"}]
    return {"schema": 1, "shard": name, "output": output, "files": rows, **named}


def dead_letter(message_id: str, document: Any, **rest: str) -> DeadLetter:
    fields = {"reason": "why", "worker": "w", "at": "2026-11-22T12:00:00Z", **rest}
    return DeadLetter(message_id=message_id, document=document, **fields)


def a_job(settings: Settings, store: S3Store, output: str) -> str:
    """A finished job of two files, one failed, with its own lane and priority."""
    name, redis = f"job-{uuid.uuid4()}", connect(settings)
    planner, recorder = (one(redis, settings.key_prefix) for one in (JobWriter, OutcomeWriter))
    write_request(store, name, JobRequest(sources=(), output=output, priority=9), "now")
    assert isinstance(planner, JobWriter)
    assert isinstance(recorder, OutcomeWriter)
    planner.begin(name, output, queue=f"{settings.queue}.3")
    planner.plan(name, 0, 2, 1000, [])
    planner.end_publishing(name)
    recorder.record(name, 0, "ok", 500)
    recorder.record(name, 1, "failed", 0, detail=FileDetail(kind="poison"))
    assert planner.close(name, 60, rounds=0)
    return name


def counts_of(settings: Settings, job: str) -> JobCounts:
    counts = LedgerReader(connect(settings), settings.key_prefix).counts(job)
    assert counts
    return counts


def test_many_dead_letters_are_read_in_pages(dead_letters: DeadLetters) -> None:
    for number in range(MANY):
        dead_letters.put(dead_letter(f"m{number}", {"padding": "x" * 100}))
    pages = [list(page) for page in dead_letters.pages()]
    assert {one.message_id for page in pages for one in page} == {f"m{n}" for n in range(MANY)}
    assert max(map(len, pages)) < MANY / 4
    assert dead_letters.count() == MANY
    assert [one.message_id for one in dead_letters.take(["m7", "none", "m9"])] == ["m7", "m9"]
    assert dead_letters.drop(["m7", "none"]) == 1
    assert dead_letters.drop([]) == 0
    assert list(dead_letters.take([])) == []
    assert dead_letters.count() == MANY - 1


def test_a_message_that_was_dead_lettered_again_is_not_removed(dead_letters: DeadLetters) -> None:
    before = [dead_letter("a", {}), dead_letter("b", {})]
    for one in before:
        dead_letters.put(one)
    newer = dead_letter("a", {}, at="2026-11-22T13:00:00Z")
    dead_letters.put(newer)
    dead_letters.remove(before)
    dead_letters.remove([])
    assert dead_letters.all() == [newer]


def test_the_list_has_the_latest_matching_dead_letters(
    settings: Settings, dead_letters: DeadLetters
) -> None:
    for hour in range(10, 20):
        document = {"job": "odd" if hour % 2 else "even"}
        dead_letters.put(dead_letter(f"m{hour}", document, at=f"2026-11-22T{hour}:00:00Z"))
    found = list_dead(limit=3, settings=settings)
    assert [one.message_id for one in found.letters] == ["m19", "m18", "m17"]
    assert found.total == 10
    found = list_dead("even", limit=2, settings=settings)
    assert ([one.message_id for one in found.letters], found.total) == (["m18", "m16"], 5)


def test_only_selected_messages_are_dropped(settings: Settings, dead_letters: DeadLetters) -> None:
    for name, job in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")):
        dead_letters.put(dead_letter(name, {"job": job}))
    result = drop_dead(ids=["a", "gone", "a"], settings=settings)
    assert (result.dropped, result.unknown) == (1, ["gone"])
    assert drop_dead(job="x", settings=settings).dropped == 1
    assert {one.message_id for one in dead_letters.all()} == {"c", "d"}
    assert drop_dead(everything=True, settings=settings).dropped == 2
    assert dead_letters.count() == 0


def test_requeuing_reopens_the_job_and_publishes_the_message_in_its_lane(
    settings: Settings, redis: Any, dead_letters: DeadLetters, store: S3Store, output: str
) -> None:
    job = a_job(settings, store, output)
    document = shard("s", output, job, 0, 1)
    dead_letters.put(dead_letter("id-1", document))
    store.write(job_uri(output, job, "_SUCCESS"), b"", "text/plain")
    attempts = attempts_key(settings.key_prefix, identity_of(output, "s"))
    redis.hset(attempts, "begun", 3)
    result = requeue_dead(job=job, settings=settings)
    assert (result.requeued, result.files, result.refused) == (1, 2, 0)
    (waiting,) = redis.lrange(_list_of(settings, f"{settings.queue}.3", 9), 0, -1)
    assert '"id": "id-1"' in waiting
    assert shards_waiting(settings) == [document]
    assert (dead_letters.count(), redis.exists(attempts)) == (0, 0)
    counts = counts_of(settings, job)
    assert (counts.outcomes["ok"], counts.outcomes["failed"]) == (1, 0)
    assert (counts.waiting, counts.closed_at, counts.rounds) == (1, None, 1)
    # a process that saw the job's earlier end does not close it again
    assert not JobWriter(redis, settings.key_prefix).close(job, 60, rounds=0)
    with pytest.raises(ObjectMissing):
        store.read(job_uri(output, job, "_SUCCESS"))
    assert redis.ttl(f"{settings.key_prefix}fleet:job:{job}") == -1
    # the file is in a message: nothing is left for a retry
    assert LedgerReader(redis, settings.key_prefix).indexes(job, "reopened") == []


def _list_of(settings: Settings, lane: str, priority: int) -> str:
    return settings.key_prefix + broker_lists(lane)[broker_priority(priority)]


def test_a_kill_before_the_removal_duplicates_a_message_but_loses_none(
    settings: Settings,
    dead_letters: DeadLetters,
    store: S3Store,
    output: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = a_job(settings, store, output)
    dead_letters.put(dead_letter("id-1", shard("s", output, job, 1)))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DeadLetters, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            requeue_dead(everything=True, settings=settings)
    assert (dead_letters.count(), len(shards_waiting(settings))) == (1, 1)
    # a worker may have finished it by now; the duplicate does not change that
    OutcomeWriter(connect(settings), settings.key_prefix).record(job, 1, "ok", 700)
    assert requeue_dead(everything=True, settings=settings).requeued == 1
    assert (dead_letters.count(), len(shards_waiting(settings))) == (0, 2)
    assert counts_of(settings, job).outcomes["ok"] == 2


def test_a_kill_before_publishing_loses_nothing(
    settings: Settings, dead_letters: DeadLetters, store: S3Store, output: str
) -> None:
    job = a_job(settings, store, output)
    dead_letters.put(dead_letter("id-1", shard("s", output, job, 1)))
    JobWriter(connect(settings), settings.key_prefix).reopen(job, [1])
    assert requeue_dead(ids=["id-1"], settings=settings).requeued == 1
    assert counts_of(settings, job).waiting == 1
    assert retry(job, settings, store).files == 0


def test_dead_letters_that_no_worker_can_process_are_kept_with_the_reason(
    settings: Settings, dead_letters: DeadLetters, store: S3Store, output: str
) -> None:
    cancelled = a_job(settings, store, output)
    JobWriter(connect(settings), settings.key_prefix).cancel(cancelled)
    dead_letters.put(dead_letter("text", "no shard"))
    dead_letters.put(dead_letter("wrong", {**shard("s", output), "output": "elsewhere"}))
    dead_letters.put(dead_letter("late", shard("s", output, cancelled, 1)))
    dead_letters.put(dead_letter("strange", shard("s", output), queue="celery"))
    invalid = {"audio": "s3://audio/a.wav", "start_ms": 2, "end_ms": 1}
    dead_letters.put(dead_letter("entry", {**shard("s", output), "files": [invalid]}))
    partly = {**shard("partly", output), "files": [invalid, {"audio": "s3://audio/b.wav"}]}
    dead_letters.put(dead_letter("partly", partly))
    dead_letters.put(dead_letter("good", shard("good", output), queue=f"{settings.queue}.2"))
    result = requeue_dead(everything=True, settings=settings)
    why = {one.message_id: one.why for one in result.refusals}
    assert (result.requeued, result.refused) == (2, len(why))
    for message_id, phrase in {
        "text": "malformed shard",
        "wrong": "output: ",
        "entry": "no entry of its files is valid",
        "late": "was cancelled",
        "strange": "queue celery",
    }.items():
        assert phrase in why[message_id]
    assert {one["shard"] for one in shards_waiting(settings)} == {"good", "partly"}
    assert {one.message_id for one in dead_letters.all()} == set(why)
    (unknown,) = requeue_dead(ids=["good"], settings=settings).refusals
    assert "no such dead letter" in unknown.why


def test_many_dead_letters_are_requeued_once_each(
    settings: Settings, dead_letters: DeadLetters, output: str
) -> None:
    for number in range(MANY):
        dead_letters.put(dead_letter(f"m{number}", shard(f"s{number}", output)))
    assert requeue_dead(everything=True, settings=settings).requeued == MANY
    names = [one["shard"] for one in shards_waiting(settings)]
    assert (len(names), len(set(names)), dead_letters.count()) == (MANY, MANY, 0)
