"""Several models in one fleet: routing, existing results and rejected options."""

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
    """A separate fleet in the shared Redis; its producers have no model configured."""
    return settings.model_copy(update={"key_prefix": f"{uuid.uuid4()}:", "model": ZH})


@pytest.fixture
def state(mine: Settings) -> WorkerRegistry:
    return WorkerRegistry(connect(mine), mine.key_prefix)


def start_worker(state: WorkerRegistry, queue: str, model: str, **can: Any) -> None:
    """Register the model as a worker does when it is ready."""
    state.register_model(model, f"sha256:{model}", Abilities(**can), queue)
    state.heartbeat(queue, model, time.time())


class Backlog:
    """A manifest of three files with its own output."""

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
    """The number of messages of a queue in all of its lanes."""
    return LedgerReader(connect(settings), settings.key_prefix).backlog(queue)[0]


def test_a_job_is_sent_to_the_workers_that_serve_its_model(
    backlog: Backlog, mine: Settings, state: WorkerRegistry
) -> None:
    start_worker(state, "fleet", ZH)
    start_worker(state, "senses", SENSE)
    found = backlog.enqueue(model=SENSE)
    assert (found.queue, found.warnings, found.enqueued) == ("senses", [], FILES)
    assert (waiting(mine, "senses"), waiting(mine, "fleet")) == (1, 0)
    assert funasr_fleet.status(found.job, mine).ready_messages == 1


def test_without_a_model_the_default_queue_is_used(
    backlog: Backlog, mine: Settings, state: WorkerRegistry
) -> None:
    start_worker(state, "fleet", ZH)
    start_worker(state, "senses", SENSE)
    found = backlog.enqueue()
    assert (found.queue, found.warnings) == ("fleet", [])
    assert (waiting(mine, "senses"), waiting(mine, "fleet")) == (0, 1)


def test_a_queue_without_workers_is_a_warning_before_the_first_message(
    backlog: Backlog, mine: Settings
) -> None:
    queue, received = queue_of_model(SENSE), []

    def receive(warning: str) -> None:
        received.append((warning, waiting(mine, queue)))

    found = backlog.enqueue(model=SENSE, warn=receive)
    assert found.queue == queue
    assert [(warning, 0) for warning in found.warnings] == received
    assert f"FLEET_MODEL={SENSE} fleet worker --queue {queue}" in found.warnings[0]
    assert waiting(mine, queue) == 1
    assert "no worker serves queue fleet now" in backlog.enqueue().warnings[0]


def test_without_files_to_publish_missing_workers_are_not_a_warning(
    backlog: Backlog, state: WorkerRegistry, store: S3Store
) -> None:
    state.register_model(ZH, f"sha256:{ZH}")
    backlog.has_results_of(ZH, store)
    found = backlog.enqueue()
    assert (found.skipped, found.enqueued, found.warnings) == (FILES, 0, [])


@pytest.mark.parametrize("asked", [None, ZH])
def test_results_of_any_model_are_not_skipped_while_redis_has_lost_the_revision(
    backlog: Backlog, state: WorkerRegistry, store: S3Store, asked: str | None
) -> None:
    state.heartbeat("fleet", ZH, time.time())  # registered again, unlike the revision
    backlog.has_results_of(SENSE, store)
    found = backlog.enqueue(model=asked)
    assert (found.skipped, found.enqueued) == (0, FILES)


def test_an_empty_model_name_is_rejected(backlog: Backlog) -> None:
    with pytest.raises(OptionsRefused, match="model name is empty"):
        backlog.enqueue(model=" ")


@pytest.mark.parametrize(
    ("asked", "made_by", "skipped"),
    [
        (None, SENSE, FILES),  # the model of the queue takes precedence over FLEET_MODEL
        (None, ZH, 0),
        (ZH, ZH, FILES),
        (ZH, SENSE, 0),
        ("never/loaded", SENSE, 0),
    ],
)
def test_only_results_of_the_model_of_the_job_are_skipped(
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


def test_a_job_keeps_its_queue_on_resume_and_retry_but_not_on_rebuild(
    backlog: Backlog, mine: Settings, state: WorkerRegistry, store: S3Store
) -> None:
    start_worker(state, "senses", SENSE)
    job = backlog.enqueue(model=SENSE, job="night").job
    start_worker(state, "fleet", SENSE)  # the queue of a new job
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
    assert waiting(mine, "fleet") == 1  # routed by the current registry
    assert queue_of(JobWriter(client, mine.key_prefix).about(job)["queue"]) == "fleet"


def test_unsupported_options_are_rejected_before_anything_is_written(
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


def test_options_are_accepted_while_the_abilities_are_unknown(
    backlog: Backlog, state: WorkerRegistry
) -> None:
    words = Options(hotwords=("nine",))
    state.register_model(
        ZH, "sha256:1", Abilities()
    )  # the configured model, but no worker is active
    assert backlog.enqueue(options=words).enqueued == FILES
    assert backlog.enqueue(model=SENSE, options=words).enqueued == FILES


def test_a_fully_published_job_is_not_rejected_later(
    backlog: Backlog, state: WorkerRegistry
) -> None:
    words = Options(hotwords=("nine",))
    backlog.enqueue(options=words, job="sent")
    start_worker(state, "fleet", ZH)
    assert backlog.enqueue(options=words, job="sent").published_before


def test_the_exporter_reports_queues_without_active_workers(
    backlog: Backlog, mine: Settings, state: WorkerRegistry
) -> None:
    state.heartbeat("senses", SENSE, time.time() - 3600)
    backlog.enqueue(model=ZH)
    other = backlog.enqueue(model=SENSE)
    ready = {one.queue: one.ready for one in FleetCollector(mine).collect().queues}
    assert ready == {"fleet": 1, "senses": 0, other.queue: 1}
