"""`fleet exporter` over a real Valkey."""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from funasr_fleet import enqueue
from funasr_fleet.broker.app import make_app
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.contract.queues import broker_lists, lanes
from funasr_fleet.exporter.metrics import JobReading, QueueReading, read
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings

FILES = 6


@pytest.fixture
def isolated_settings(settings: Settings) -> Iterator[Settings]:
    """Settings with a separate queue."""
    queue = f"exported-{uuid.uuid4().hex[:6]}"
    mine = settings.model_copy(update={"queue": queue})
    yield mine
    client: Any = connect(mine)
    keys = [key for lane in lanes(queue) for key in broker_lists(lane)]
    client.delete(*keys, "unacked", "unacked_index")


@pytest.fixture
def publish(tmp_path: Path) -> Callable[[Settings], str]:
    """Enqueue a job of three messages of two files each and return its name."""

    def publish(settings: Settings) -> str:
        manifest = tmp_path / f"{uuid.uuid4()}.jsonl"
        rows = ({"audio_filepath": f"s3://audio/{n}.wav", "duration": 60.0} for n in range(FILES))
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
        output = f"s3://transcripts/{uuid.uuid4()}/"
        limits = ShardLimits(files=2)
        found = enqueue([str(manifest)], output=output, limits=limits, settings=settings)
        return found.job

    return publish


@contextlib.contextmanager
def as_user(settings: Settings, **permissions: Any) -> Iterator[Settings]:
    """Settings of another user with these permissions."""
    client: Any = connect(settings)
    client.acl_setuser("watcher", enabled=True, passwords=["+pw"], keys=["*"], **permissions)
    port = settings.broker_url.rpartition(":")[2]
    try:
        yield settings.model_copy(update={"broker_url": f"redis://watcher:pw@127.0.0.1:{port}"})
    finally:
        client.acl_deluser("watcher")


def queue_in(settings: Settings, name: str = "") -> QueueReading:
    found = {one.queue: one for one in FleetCollector(settings).collect().queues}
    return found[name or settings.queue]


def _headed(value: str) -> bytes:
    return b'{"headers": {"fleet_enqueued_at": %s}}' % value.encode()


@pytest.mark.parametrize(
    "element",
    [b"\xea\xff", b"[" * 100_000, *map(_headed, ["1" + "0" * 400, "-Infinity", "NaN", "[]"])],
    ids=["bytes", "nested", "huge", "infinite", "no number", "a list"],
)
def test_an_element_that_is_no_message_is_counted_without_an_age(
    isolated_settings: Settings, element: bytes
) -> None:
    client: Any = connect(isolated_settings)
    client.lpush(isolated_settings.queue, element)
    reading = queue_in(isolated_settings)
    assert (reading.ready, reading.oldest_s) == (1, 0.0)


def job_in(settings: Settings, name: str) -> JobReading | None:
    found = {one.counts.job: one for one in FleetCollector(settings).collect().jobs}
    return found.get(name)


def test_an_empty_queue_is_reported_as_zeros(isolated_settings: Settings) -> None:
    expected = QueueReading(queue=isolated_settings.queue, ready=0, unacked=0, oldest_s=0.0)
    assert queue_in(isolated_settings) == expected


def test_waiting_messages_are_counted_and_their_age_is_reported(
    isolated_settings: Settings, publish: Callable[[Settings], str]
) -> None:
    begun = time.time()
    name = publish(isolated_settings)
    found = queue_in(isolated_settings)
    assert found.ready == 3
    assert 0 < found.oldest_s <= time.time() - begun
    job = job_in(isolated_settings, name)
    assert job
    assert job.progress.waiting == FILES
    samples = {
        (name, *labels): value
        for name, labels, value in read(FleetCollector(isolated_settings).collect())
    }
    assert samples["asr_backlog_audio_seconds", name] == pytest.approx(FILES * 60.0)


def test_reserved_messages_are_counted_per_queue(
    isolated_settings: Settings, settings: Settings, publish: Callable[[Settings], str]
) -> None:
    name = publish(isolated_settings)
    job = job_in(isolated_settings, name)
    assert job
    with make_app(isolated_settings).connection_for_read() as connection:
        channel = connection.default_channel
        assert channel.basic_get(job.counts.queue)
        found = queue_in(isolated_settings)
        assert (found.ready, found.unacked) == (2, 1)
        # another queue's exporter reports this queue too, because its job is open
        other = queue_in(settings, isolated_settings.queue)
        assert (other.ready, other.unacked) == (2, 1)
        channel.qos._delivered.clear()


def test_a_job_is_shown_for_an_hour_after_its_end(isolated_settings: Settings) -> None:
    client: Any = connect(isolated_settings)
    planner, name = JobWriter(client), f"job-{uuid.uuid4()}"
    planner.begin(name, "s3://transcripts/x/")
    planner.plan(name, 0, 1, 60_000, done=[])
    OutcomeWriter(client).record(name, 0, "ok", 60_000)
    assert job_in(isolated_settings, name)
    client.hset(Keys().job(name), "closed_at", time.time() - 60)
    assert job_in(isolated_settings, name)
    client.hset(Keys().job(name), "closed_at", time.time() - 4000)
    assert job_in(isolated_settings, name) is None


def test_memory_is_omitted_for_a_user_without_permission(isolated_settings: Settings) -> None:
    allowed = FleetCollector(isolated_settings).collect().broker
    assert allowed
    assert allowed.used_bytes > 1000
    assert allowed.clients >= 1
    with as_user(isolated_settings, categories=["+@all"], commands=["-info"]) as watcher:
        assert FleetCollector(watcher).collect().broker is None


def test_an_expired_job_is_removed_from_the_list(isolated_settings: Settings) -> None:
    client: Any = connect(isolated_settings)
    planner, kept, gone = JobWriter(client), f"job-{uuid.uuid4()}", f"job-{uuid.uuid4()}"
    for name in (kept, gone):
        planner.begin(name, "s3://transcripts/x/")
    client.delete(Keys().job(gone))
    assert job_in(isolated_settings, gone) is None
    assert gone not in LedgerReader(client).jobs()
    assert kept in LedgerReader(client).jobs()


def test_a_job_that_has_lost_its_plan_is_reported_as_unknown(isolated_settings: Settings) -> None:
    client: Any = connect(isolated_settings)
    planner, name = JobWriter(client), f"job-{uuid.uuid4()}"
    planner.begin(name, "s3://transcripts/x/")
    planner.plan(name, 0, 2, 60_000, done=[])
    planner.end_publishing(name)
    OutcomeWriter(client).record(name, 0, "ok", 60_000)
    client.delete(Keys().job(name))
    job = job_in(isolated_settings, name)
    assert job
    assert (job.progress.state, job.progress.done, job.progress.eta_s) == ("unknown", 1, None)
    assert name in LedgerReader(client).jobs()
    reported = {
        sample
        for sample, labels, _ in read(FleetCollector(isolated_settings).collect())
        if labels[:1] == (name,)
    }
    assert reported == {"asr_job_audio_seconds"}
    client.delete(*Keys().all_of(name))
    assert job_in(isolated_settings, name) is None
    assert name not in LedgerReader(client).jobs()


def test_a_read_only_user_finds_the_same_jobs(isolated_settings: Settings) -> None:
    client: Any = connect(isolated_settings)
    planner, kept, gone = JobWriter(client), f"job-{uuid.uuid4()}", f"job-{uuid.uuid4()}"
    for name in (kept, gone):
        planner.begin(name, "s3://transcripts/x/")
    client.delete(Keys().job(gone))
    with as_user(
        isolated_settings, categories=["-@all", "+@read", "+@connection", "+@transaction"]
    ) as reader:
        found = LedgerReader(connect(reader)).open_since(time.time())
    assert kept in found
    assert gone not in found
    assert gone in LedgerReader(client).jobs()


def test_the_round_trips_of_a_scrape_do_not_depend_on_the_number_of_jobs(
    isolated_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner, sent = JobWriter(connect(isolated_settings)), []
    send: Any = redis.Connection.send_packed_command

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(args)
        return send(self, *args, **kwargs)

    def round_trips() -> int:
        fleet = FleetCollector(isolated_settings)
        fleet.collect()
        before = len(sent)
        fleet.collect()
        return len(sent) - before

    planner.begin(f"job-{uuid.uuid4()}", "s3://transcripts/x/", queue=isolated_settings.queue)
    monkeypatch.setattr(redis.Connection, "send_packed_command", counting)
    few = round_trips()
    for _ in range(10):
        planner.begin(f"job-{uuid.uuid4()}", "s3://transcripts/x/", queue=isolated_settings.queue)
    assert round_trips() == few


def test_each_job_is_returned_with_its_own_minutes(isolated_settings: Settings) -> None:
    client: Any = connect(isolated_settings)
    planner, recorder, names = JobWriter(client), OutcomeWriter(client), []
    for files in (1, 2, 3):
        names.append(name := f"job-{uuid.uuid4()}")
        planner.begin(name, "s3://transcripts/x/")
        planner.plan(name, 0, 9, 60_000, done=[])
        for index in range(files):
            recorder.record(name, index, "ok", 1000)
    found = list(LedgerReader(client).counts_and_minutes([*names, "never-seen"]))
    assert [counts for counts, _ in found] == [LedgerReader(client).counts(name) for name in names]
    assert [minutes for _, minutes in found] == [
        LedgerReader(client).minutes(name) for name in names
    ]
    assert [sum(one.files for one in minutes) for _, minutes in found] == [1, 2, 3]
