"""Several models in one fleet: where a job goes, what is done already, and what is refused."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

import funasr_fleet
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.values import FileDetail
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import fingerprint, output_uri
from funasr_fleet.contract.queues import queue_of, queue_of_model
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.producer.errors import OptionsRefused
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store

ZH, SENSE = "paraformer-zh", "iic/SenseVoiceSmall"
FILES = 3


@pytest.fixture
def mine(settings: Settings) -> Settings:
    """A fleet of its own in the Redis of all tests, whose producers know of no model."""
    return settings.model_copy(update={"key_prefix": f"{uuid.uuid4()}:", "model": ZH})


@pytest.fixture
def state(mine: Settings) -> WorkerRegistry:
    return WorkerRegistry(connect(mine), mine.key_prefix)


def start_worker(state: WorkerRegistry, queue: str, model: str, **can: Any) -> None:
    """What a worker tells when it is ready."""
    state.register_model(model, f"sha256:{model}", Abilities(**can), queue)
    state.heartbeat(queue, model, time.time())


class Backlog:
    """A manifest of three files with an output of their own."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.settings = settings
        self.output = f"s3://transcripts/{uuid.uuid4()}/"
        self.manifest = folder / f"{uuid.uuid4()}.jsonl"
        self.refs = [
            AudioRef(audio=f"s3://audio/{n}.wav", relative=f"{n}.wav", etag=f'"{n}"')
            for n in range(FILES)
        ]
        rows = ({"audio": one.audio, "id": one.relative, "etag": one.etag} for one in self.refs)
        self.manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def enqueue(self, **wanted: Any) -> funasr_fleet.EnqueueResult:
        return funasr_fleet.enqueue(
            [str(self.manifest)], output=self.output, settings=self.settings, **wanted
        )

    def has_results_of(self, model: str, store: S3Store) -> None:
        for one in self.refs:
            mark = fingerprint(one, one.etag or "", f"sha256:{model}", Options())
            receipt = {"fingerprint": mark, "model_revision": f"sha256:{model}"}
            body = json.dumps({"receipt": receipt}).encode()
            store.write(output_uri(self.output, one.relative, "json"), body, "application/json")


@pytest.fixture
def backlog(mine: Settings, tmp_path: Path) -> Backlog:
    return Backlog(tmp_path, mine)


def waiting(settings: Settings, queue: str) -> int:
    """Messages of a queue, in all of its lanes."""
    return LedgerReader(connect(settings), settings.key_prefix).backlog(queue)[0]


def test_a_job_goes_to_the_workers_that_hold_its_model(
    backlog: Backlog, mine: Settings, state: WorkerRegistry
) -> None:
    start_worker(state, "fleet", ZH)
    start_worker(state, "senses", SENSE)
    found = backlog.enqueue(model=SENSE)
    assert (found.queue, found.warnings, found.enqueued) == ("senses", [], FILES)
    assert (waiting(mine, "senses"), waiting(mine, "fleet")) == (1, 0)
    assert funasr_fleet.status(found.job, mine).ready_messages == 1


def test_without_a_model_all_is_as_it_was(
    backlog: Backlog, mine: Settings, state: WorkerRegistry
) -> None:
    start_worker(state, "fleet", ZH)
    start_worker(state, "senses", SENSE)
    found = backlog.enqueue()
    assert (found.queue, found.warnings) == ("fleet", [])
    assert (waiting(mine, "senses"), waiting(mine, "fleet")) == (0, 1)


def test_nobody_is_a_warning_before_the_first_message(backlog: Backlog, mine: Settings) -> None:
    queue, heard = queue_of_model(SENSE), []

    def hear(warning: str) -> None:
        heard.append((warning, waiting(mine, queue)))

    found = backlog.enqueue(model=SENSE, warn=hear)
    assert found.queue == queue
    assert [(warning, 0) for warning in found.warnings] == heard
    assert f"FLEET_MODEL={SENSE} fleet worker --queue {queue}" in found.warnings[0]
    assert waiting(mine, queue) == 1
    assert "no worker serves queue fleet now" in backlog.enqueue().warnings[0]


def test_where_nothing_is_published_nobody_is_missed(
    backlog: Backlog, state: WorkerRegistry, store: S3Store
) -> None:
    state.register_model(ZH, f"sha256:{ZH}")
    backlog.has_results_of(ZH, store)
    found = backlog.enqueue()
    assert (found.skipped, found.enqueued, found.warnings) == (FILES, 0, [])


def test_a_redis_that_was_emptied_makes_nothing_be_done_again(
    backlog: Backlog, state: WorkerRegistry, store: S3Store
) -> None:
    state.heartbeat("fleet", ZH, time.time())  # which is told anew, unlike the revision
    backlog.has_results_of(ZH, store)
    assert backlog.enqueue().skipped == FILES


def test_a_model_without_a_name_is_refused(backlog: Backlog) -> None:
    with pytest.raises(OptionsRefused, match="model name is empty"):
        backlog.enqueue(model=" ")


@pytest.mark.parametrize(
    ("asked", "made_by", "skipped"),
    [
        (None, SENSE, FILES),  # which is what serves the queue, whatever FLEET_MODEL says here
        (None, ZH, 0),
        (ZH, ZH, FILES),
        (ZH, SENSE, 0),
        ("never/loaded", SENSE, 0),
    ],
)
def test_done_is_what_the_model_of_the_job_has_made(
    backlog: Backlog,
    state: WorkerRegistry,
    store: S3Store,
    asked: str | None,
    made_by: str,
    skipped: int,
) -> None:
    start_worker(state, "fleet", SENSE)
    start_worker(state, "zh", ZH)
    backlog.has_results_of(made_by, store)
    assert backlog.enqueue(model=asked).skipped == skipped


def test_a_job_keeps_its_queue_when_it_is_gone_on_with_retried_and_rebuilt(
    backlog: Backlog, mine: Settings, state: WorkerRegistry, store: S3Store
) -> None:
    start_worker(state, "senses", SENSE)
    job = backlog.enqueue(model=SENSE, job="night").job
    start_worker(state, "fleet", SENSE)  # where a new job would go
    again = backlog.enqueue(model=SENSE, job=job)
    assert (again.resumed, again.published_before, again.queue) == (True, True, "senses")

    client: Any = connect(mine)
    OutcomeWriter(client, mine.key_prefix).record(
        job, 0, "failed", 0, detail=FileDetail(shard="s", seconds=1, kind="poison", relative="0")
    )
    assert funasr_fleet.retry(job, mine).files == 1
    assert (waiting(mine, "senses"), waiting(mine, "fleet")) == (2, 0)

    client.delete(Keys(mine.key_prefix).job(job))
    rebuilt = funasr_fleet.reconcile(job, output=backlog.output, settings=mine)
    assert rebuilt.enqueued == FILES
    assert waiting(mine, "fleet") == 1  # the model is asked where it is now
    assert queue_of(JobWriter(client, mine.key_prefix).about(job)["queue"]) == "fleet"


def test_what_a_model_cannot_do_is_refused_before_anything_is_there(
    backlog: Backlog, mine: Settings, state: WorkerRegistry, store: S3Store
) -> None:
    start_worker(state, "fleet", ZH, hotwords=False)
    start_worker(state, "senses", SENSE, hotwords=True)
    words = Options(hotwords=("nine",))
    for asked in (None, ZH):
        with pytest.raises(OptionsRefused, match=rf"{ZH} .* does not support hotwords"):
            backlog.enqueue(model=asked, options=words, job="refused")
    assert list(store.list(backlog.output)) == []
    assert JobWriter(connect(mine), mine.key_prefix).about("refused") == {}
    assert backlog.enqueue(model=SENSE, options=words).enqueued == FILES


def test_nothing_is_refused_while_nobody_knows(backlog: Backlog, state: WorkerRegistry) -> None:
    words = Options(hotwords=("nine",))
    state.register_model(
        ZH, "sha256:1", Abilities()
    )  # of the settings, but nobody serves the queue
    assert backlog.enqueue(options=words).enqueued == FILES
    assert backlog.enqueue(model=SENSE, options=words).enqueued == FILES


def test_a_job_whose_files_are_all_sent_is_not_refused_afterwards(
    backlog: Backlog, state: WorkerRegistry
) -> None:
    words = Options(hotwords=("nine",))
    backlog.enqueue(options=words, job="sent")
    start_worker(state, "fleet", ZH)
    assert backlog.enqueue(options=words, job="sent").published_before


def test_the_exporter_knows_queues_whose_workers_have_gone(
    backlog: Backlog, mine: Settings, state: WorkerRegistry
) -> None:
    state.heartbeat("senses", SENSE, time.time() - 3600)
    backlog.enqueue(model=ZH)
    other = backlog.enqueue(model=SENSE)
    told = {one.queue: one.ready for one in FleetCollector(mine).collect().queues}
    assert told == {"fleet": 1, "senses": 0, other.queue: 1}
