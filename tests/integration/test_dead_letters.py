"""Dead letters in a real Valkey: read in pages, published again, dropped."""

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
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import shards_waiting

MANY = 1234


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A fleet of its own for each test."""
    return settings.model_copy(update={"key_prefix": f"{uuid.uuid4()}:"})


@pytest.fixture
def redis(settings: Settings) -> Any:
    return connect(settings)


@pytest.fixture
def letters(settings: Settings, redis: Any) -> DeadLetters:
    return DeadLetters(redis, settings.key_prefix)


@pytest.fixture
def output() -> str:
    return f"s3://transcripts/{uuid.uuid4()}/"


def shard(name: str, output: str, job: str | None = None, *indexes: int) -> dict[str, Any]:
    rows = [{"index": one, "audio": f"s3://audio/{one}"} for one in indexes]
    named = {"job": job} if job else {}
    rows = rows or [{"audio": "s3://audio/0"}]
    return {"schema": 1, "shard": name, "output": output, "files": rows, **named}


def a_letter(message_id: str, document: Any, **rest: str) -> DeadLetter:
    told = {"reason": "why", "worker": "w", "at": "2026-11-22T12:00:00Z", **rest}
    return DeadLetter(message_id=message_id, document=document, **told)


def a_job(settings: Settings, store: S3Store, output: str) -> str:
    """Of two files, on a lane and with a priority of its own, over: one failed."""
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


def test_many_are_read_some_at_a_time(letters: DeadLetters) -> None:
    for number in range(MANY):
        letters.put(a_letter(f"m{number}", {"padding": "x" * 100}))
    pages = list(letters.pages())
    assert {one.message_id for page in pages for one in page} == {f"m{n}" for n in range(MANY)}
    assert max(map(len, pages)) < MANY / 4
    assert letters.count() == MANY
    assert [one.message_id for one in letters.take(["m7", "none", "m9"])] == ["m7", "m9"]
    assert letters.drop(["m7", "none"]) == 1
    assert (letters.drop([]), letters.take([]), letters.count()) == (0, [], MANY - 1)


def test_what_was_put_aside_anew_is_not_removed(letters: DeadLetters) -> None:
    before = [a_letter("a", {}), a_letter("b", {})]
    for one in before:
        letters.put(one)
    anew = a_letter("a", {}, at="2026-11-22T13:00:00Z")
    letters.put(anew)
    letters.remove(before)
    letters.remove([])
    assert letters.all() == [anew]


def test_the_list_holds_the_latest_of_those_asked_for(
    settings: Settings, letters: DeadLetters
) -> None:
    for hour in range(10, 20):
        document = {"job": "odd" if hour % 2 else "even"}
        letters.put(a_letter(f"m{hour}", document, at=f"2026-11-22T{hour}:00:00Z"))
    found = list_dead(limit=3, settings=settings)
    assert [one.message_id for one in found.letters] == ["m19", "m18", "m17"]
    assert found.total == 10
    found = list_dead("even", limit=2, settings=settings)
    assert ([one.message_id for one in found.letters], found.total) == (["m18", "m16"], 5)


def test_dropped_are_those_meant(settings: Settings, letters: DeadLetters) -> None:
    for name, job in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")):
        letters.put(a_letter(name, {"job": job}))
    result = drop_dead(ids=["a", "gone", "a"], settings=settings)
    assert (result.dropped, result.unknown) == (1, ["gone"])
    assert drop_dead(job="x", settings=settings).dropped == 1
    assert {one.message_id for one in letters.all()} == {"c", "d"}
    assert drop_dead(everything=True, settings=settings).dropped == 2
    assert letters.count() == 0


def test_a_job_goes_on_with_the_same_message_in_its_lane(
    settings: Settings, redis: Any, letters: DeadLetters, store: S3Store, output: str
) -> None:
    job = a_job(settings, store, output)
    document = shard("s", output, job, 0, 1)
    letters.put(a_letter("id-1", document))
    store.write(job_uri(output, job, "_SUCCESS"), b"", "text/plain")
    attempts = attempts_key(settings.key_prefix, identity_of(output, "s"))
    redis.hset(attempts, "begun", 3)
    result = requeue_dead(job=job, settings=settings)
    assert (result.requeued, result.files, result.refused) == (1, 2, 0)
    (waiting,) = redis.lrange(_list_of(settings, f"{settings.queue}.3", 9), 0, -1)
    assert '"id": "id-1"' in waiting
    assert shards_waiting(settings) == [document]
    assert (letters.count(), redis.exists(attempts)) == (0, 0)
    counts = counts_of(settings, job)
    assert (counts.outcomes["ok"], counts.outcomes["failed"]) == (1, 0)
    assert (counts.waiting, counts.closed_at, counts.rounds) == (1, None, 1)
    # who looked at its end before does not close it
    assert not JobWriter(redis, settings.key_prefix).close(job, 60, rounds=0)
    with pytest.raises(ObjectMissing):
        store.read(job_uri(output, job, "_SUCCESS"))
    assert redis.ttl(f"{settings.key_prefix}fleet:job:{job}") == -1
    # it is in a message: a retry has nothing to take along
    assert LedgerReader(redis, settings.key_prefix).indexes(job, "reopened") == []


def _list_of(settings: Settings, lane: str, priority: int) -> str:
    return settings.key_prefix + broker_lists(lane)[broker_priority(priority)]


def test_a_kill_before_the_removal_costs_a_twin_and_no_letter(
    settings: Settings,
    letters: DeadLetters,
    store: S3Store,
    output: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = a_job(settings, store, output)
    letters.put(a_letter("id-1", shard("s", output, job, 1)))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DeadLetters, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            requeue_dead(everything=True, settings=settings)
    assert (letters.count(), len(shards_waiting(settings))) == (1, 1)
    # a worker may have done it by now; then the twin does not undo that
    OutcomeWriter(connect(settings), settings.key_prefix).record(job, 1, "ok", 700)
    assert requeue_dead(everything=True, settings=settings).requeued == 1
    assert (letters.count(), len(shards_waiting(settings))) == (0, 2)
    assert counts_of(settings, job).outcomes["ok"] == 2


def test_a_kill_before_the_publishing_loses_nothing(
    settings: Settings, letters: DeadLetters, store: S3Store, output: str
) -> None:
    job = a_job(settings, store, output)
    letters.put(a_letter("id-1", shard("s", output, job, 1)))
    JobWriter(connect(settings), settings.key_prefix).reopen(job, [1])
    assert requeue_dead(ids=["id-1"], settings=settings).requeued == 1
    assert counts_of(settings, job).waiting == 1
    assert retry(job, settings, store).files == 0


def test_letters_that_nobody_could_take_stay_with_the_reason(
    settings: Settings, letters: DeadLetters, store: S3Store, output: str
) -> None:
    cancelled = a_job(settings, store, output)
    JobWriter(connect(settings), settings.key_prefix).cancel(cancelled)
    letters.put(a_letter("text", "no shard"))
    letters.put(a_letter("wrong", {**shard("s", output), "output": "elsewhere"}))
    letters.put(a_letter("late", shard("s", output, cancelled, 1)))
    letters.put(a_letter("strange", shard("s", output), queue="celery"))
    letters.put(a_letter("good", shard("good", output), queue=f"{settings.queue}.2"))
    result = requeue_dead(everything=True, settings=settings)
    why = {one.message_id: one.why for one in result.refusals}
    assert (result.requeued, result.refused) == (1, len(why))
    for message_id, phrase in {
        "text": "malformed shard",
        "wrong": "output: ",
        "late": "was cancelled",
        "strange": "queue celery",
    }.items():
        assert phrase in why[message_id]
    (sent,) = shards_waiting(settings)
    assert sent == shard("good", output)
    assert {one.message_id for one in letters.all()} == set(why)
    (unknown,) = requeue_dead(ids=["good"], settings=settings).refusals
    assert "no such dead letter" in unknown.why


class Denying(S3Store):
    """A store whose jobs may not be read."""

    def read(self, uri: str) -> bytes:
        """Refuse."""
        raise ObjectDenied(f"access to {uri} is denied")


def test_a_job_that_cannot_be_opened_keeps_no_other_from_going_on(
    settings: Settings, letters: DeadLetters, store: S3Store, output: str
) -> None:
    job = a_job(settings, store, output)
    for name in ("first", "second"):
        letters.put(a_letter(name, shard(name, output, job, 1)))
    letters.put(a_letter("other", shard("other", output)))
    result = requeue_dead(everything=True, settings=settings, store=Denying())
    assert [one["shard"] for one in shards_waiting(settings)] == ["other"]
    assert {one.message_id for one in result.refusals} == {"first", "second"}
    assert all("is denied" in one.why for one in result.refusals)
    assert counts_of(settings, job).outcomes["failed"] == 1


def test_many_go_out_once(settings: Settings, letters: DeadLetters, output: str) -> None:
    for number in range(MANY):
        letters.put(a_letter(f"m{number}", shard(f"s{number}", output)))
    assert requeue_dead(everything=True, settings=settings).requeued == MANY
    names = [one["shard"] for one in shards_waiting(settings)]
    assert (len(names), len(set(names)), letters.count()) == (MANY, MANY, 0)
