"""The fate of a message: acked, requeued, dead-lettered, or left to a new child."""

from typing import Any

import pytest

from funasr_fleet.contract.layout import shard_record_uri
from funasr_fleet.contract.queues import ENQUEUED_AT_HEADER, BrokerUnavailable
from funasr_fleet.storage.base import BucketMissing, CredentialsRefused, StoreUnavailable
from funasr_fleet.worker.app import shard_run as delivery
from funasr_fleet.worker.app import task as tasks
from funasr_fleet.worker.coordination.attempts import Attempt
from funasr_fleet.worker.error_handling import MAX_RETRIES
from funasr_fleet.worker.errors import DeviceLost
from funasr_fleet.worker.events import (
    ShardDeadLettered,
    ShardFinished,
    ShardRetryScheduled,
    ShardStarted,
)
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_child import FakeChild, FakeTask
from tests.support.stores import WatchedStore

NOON = 1_790_000_000.0


class Left(BaseException):
    """Raised in place of the end of the process."""


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> FakeChild:
    def leave() -> None:
        raise Left

    for room in (tasks, delivery):
        monkeypatch.setattr(room, "leave_process", leave)
    return FakeChild()


def a_message(child: FakeChild, **fields: Any) -> dict[str, Any]:
    """The message of a shard with one existing file."""
    return a_shard(child.bench.upload("a.wav"), **fields).to_message()


def test_events_of_a_shard_come_in_order(child: FakeChild) -> None:
    child.run(a_message(child))
    kinds = [type(event).__name__ for event in child.bench.events]
    assert kinds == ["ShardStarted", "InferenceTime", "FileFinished", "ShardFinished"]
    assert child.ledger == [("night", 0, "ok", 1000)]
    assert (child.dead_letters, child.state_writes) == ([], 1)


def test_a_finished_shard_reports_threads_and_memory(child: FakeChild) -> None:
    child.run(a_message(child))
    finished = child.bench.events[-1]
    assert isinstance(finished, ShardFinished)
    assert finished.threads_before == finished.threads_after == 2
    assert finished.resident_bytes > 1 << 20


@pytest.mark.parametrize("index", [0, None])
def test_a_file_without_an_index_is_not_counted(child: FakeChild, index: int | None) -> None:
    message = a_message(child)
    message["files"][0]["index"] = index
    child.run(message)
    assert [entry[1] for entry in child.ledger] == ([] if index is None else [index])


@pytest.mark.parametrize(
    ("published_at", "wait_s"),
    [(None, None), ("noon", None), (NOON, 9000), (NOON + 10_000, 0)],
)
def test_the_wait_counts_from_publishing_where_that_is_known_and_is_never_negative(
    child: FakeChild,
    monkeypatch: pytest.MonkeyPatch,
    published_at: float | str | None,
    wait_s: float | None,
) -> None:
    monkeypatch.setattr("time.time", lambda: NOON + 9000)
    child.run(a_message(child), FakeTask(headers={ENQUEUED_AT_HEADER: published_at}))
    started = child.bench.events[0]
    assert isinstance(started, ShardStarted)
    assert started.queue_wait_s == wait_s


@pytest.mark.parametrize("headers", [None, {}])
def test_without_a_time_of_publishing_the_wait_is_unknown(
    child: FakeChild, headers: dict[str, Any] | None
) -> None:
    child.run(a_message(child), FakeTask(headers=headers))
    started = child.bench.events[0]
    assert isinstance(started, ShardStarted)
    assert started.queue_wait_s is None


@pytest.mark.parametrize(("deaths", "again"), [(0, False), (2, True)])
def test_a_redelivery_is_counted_after_a_crash_and_not_after_a_drain(
    child: FakeChild, deaths: int, again: bool
) -> None:
    """Messages that a draining worker requeues are marked as redelivered as well."""
    child.attempt = Attempt(attempt_id="x", number=3, deaths=deaths, last_death="")
    child.run(a_message(child), FakeTask(delivery_info={"redelivered": True}))
    started = child.bench.events[0]
    assert isinstance(started, ShardStarted)
    assert started.redelivered is again


@pytest.mark.parametrize("document", [None, "text", 7, [], {}, {"schema": 1, "shard": "s"}])
def test_a_malformed_message_becomes_a_dead_letter_with_its_reason(
    child: FakeChild, document: Any
) -> None:
    child.run(document)
    (letter,) = child.dead_letters
    assert (letter.message_id, letter.worker) == ("message-1", "fleet@host")
    assert letter.document == document
    assert letter.reason.startswith("malformed shard: ")
    (event,) = child.bench.events
    assert event == ShardDeadLettered(message_id="message-1", reason=letter.reason)


@pytest.mark.parametrize(("retries", "delay_s"), [(0, 2.0), (1, 4.0), (20, 300.0)])
def test_unavailable_storage_delays_the_message_with_backoff(
    child: FakeChild, retries: int, delay_s: float
) -> None:
    message = a_message(child)
    child.bench.store.failing_reads["s3://in/a.wav"] = StoreUnavailable("away")
    task = FakeTask(retries=retries)
    child.run(message, task)
    ((waits_s, again),) = task.sent_again
    assert waits_s == pytest.approx(delay_s, rel=0.2)
    assert again == retries + 1
    last = child.bench.events[-1]
    assert last == ShardRetryScheduled(
        shard="night-000000", kind="storage_unavailable", reason="away", delay_s=delay_s
    )
    assert child.postponed == [("night-000000", "storage_unavailable", "away")]
    assert (child.dead_letters, child.ledger, child.ended) == ([], [], [])
    assert (child.discarded, child.claimed) == (1, [])
    assert child.in_flight == {"night-000000": 0}, "the shard stays open"


def test_expired_credentials_for_the_results_delay_the_message(child: FakeChild) -> None:
    message, task = a_message(child), FakeTask()
    child.bench.store.failing_writes[f"{OUTPUT}a.wav.json"] = CredentialsRefused("ExpiredToken")
    child.run(message, task)
    assert child.postponed == [("night-000000", "credentials_refused", "ExpiredToken")]
    assert (len(task.sent_again), child.dead_letters, child.ledger) == (1, [], [])


def test_after_the_last_retry_the_message_becomes_a_dead_letter(child: FakeChild) -> None:
    message = a_message(child)
    child.bench.store.failing_reads["s3://in/a.wav"] = StoreUnavailable("away")
    task = FakeTask(retries=MAX_RETRIES)
    child.run(message, task)
    assert [letter.reason for letter in child.dead_letters] == ["away (tried 31 times)"]
    assert task.sent_again == []
    assert child.bench.document("a.wav.error.json")["error"]["kind"] == "audio_missing"


def test_credentials_that_are_refused_for_the_report_too_do_not_keep_the_message(
    child: FakeChild,
) -> None:
    message, refused = a_message(child), CredentialsRefused("ExpiredToken")
    child.bench.store.failing_reads["s3://in/a.wav"] = refused
    child.bench.store.failing_writes[f"{OUTPUT}a.wav.error.json"] = refused
    child.run(message, FakeTask(retries=MAX_RETRIES))
    assert [letter.reason for letter in child.dead_letters] == ["ExpiredToken (tried 31 times)"]


def test_a_receipt_counts_the_attempts_of_its_shard(child: FakeChild) -> None:
    child.attempt = Attempt(attempt_id="x", number=3, deaths=0, last_death="")
    child.run(a_message(child), FakeTask(retries=2))
    assert child.bench.document("a.wav.json")["receipt"]["attempt"] == 3
    assert (len(child.ended), child.claimed) == (1, [])


def test_a_missing_output_bucket_makes_a_dead_letter(child: FakeChild) -> None:
    child.bench.store = WatchedStore("in")
    child.run(a_message(child))
    assert child.dead_letters[0].reason == "cannot write results: bucket out does not exist"


def test_an_output_bucket_that_is_gone_at_the_end_makes_a_dead_letter(child: FakeChild) -> None:
    message, gone = a_message(child), BucketMissing("bucket out does not exist")
    record = shard_record_uri(OUTPUT, "night", "night-000000")
    child.bench.store.failing_writes[record] = gone
    child.run(message)
    (letter,) = child.dead_letters
    assert letter.reason == "cannot write the records of the job: bucket out does not exist"
    assert child.ledger == [("night", 0, "ok", 1000)]


def test_unfinished_files_of_a_dead_letter_count_as_failed(child: FakeChild) -> None:
    good, away = child.bench.upload("a.wav"), child.bench.upload("b.wav")
    child.bench.store.failing_reads[away] = StoreUnavailable("away")
    child.run(a_shard(good, away).to_message(), FakeTask(retries=MAX_RETRIES))
    assert child.ledger == [("night", 0, "ok", 1000), ("night", 1, "failed", 0)]
    assert child.bench.outputs() == [
        "_jobs/night/failed/night-000000.jsonl",
        "a.wav.json",
        "b.wav.error.json",
    ]


def test_a_lost_device_ends_the_child_and_keeps_the_message(child: FakeChild) -> None:
    child.bench.engine.failures = {0: DeviceLost("CUDA error")}
    with pytest.raises(Left):
        child.run(a_message(child))
    assert (child.dead_letters, child.bench.outputs()) == ([], [])
    assert child.deaths == ["CUDA error"]


def test_a_ledger_that_is_away_ends_the_child_and_keeps_the_message(child: FakeChild) -> None:
    child.broken = BrokerUnavailable("away")
    with pytest.raises(Left):
        child.run(a_message(child))


def test_a_dead_letter_that_cannot_be_written_ends_the_child(child: FakeChild) -> None:
    """Celery acks a task that raises: while Redis is down, the message would be lost."""
    child.broken = BrokerUnavailable("away")
    with pytest.raises(Left):
        child.run({"schema": 1})
