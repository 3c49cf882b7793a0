"""A backlog is published completely and only once, even if its producer is killed."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import cancel, enqueue, reconcile, retry, status
from funasr_fleet.broker.ledger import JobWriter, OutcomeWriter, connect
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.producer.errors import JobRefused
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.producer.publishing.messages import Publisher
from funasr_fleet.producer.result import EnqueueResult
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import drain, shards_waiting

FILES = 25_000


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet without workers: messages stay in the queue."""
    return separate_fleet


def a_manifest(path: Path, files: int = FILES) -> str:
    rows = ({"audio": f"s3://audio/calls/{number:06d}.wav"} for number in range(files))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def files_of(shards: list[dict[str, Any]]) -> Counter[int]:
    return Counter(file["index"] for shard in shards for file in shard["files"])


def test_every_file_is_in_one_message_and_counted(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    result = enqueue([a_manifest(tmp_path / "list.jsonl")], output=output)
    shards = shards_waiting(settings)
    assert files_of(shards) == Counter(range(FILES))
    assert (result.files, result.enqueued, result.shards) == (FILES, FILES, len(shards))
    counts = status(result.job).counts
    assert (counts.files, counts.waiting, counts.published) == (FILES, FILES, True)


PRODUCER = "import sys; from funasr_fleet.cli.main import run; run()"


def start_producer(source: str, output: str, job: str) -> "subprocess.Popen[bytes]":
    command = ["enqueue", source, "--output", output, "--job", job, "--json"]
    return subprocess.Popen([sys.executable, "-c", PRODUCER, *command], stdout=subprocess.PIPE)


@pytest.mark.slow
def test_a_producer_that_is_killed_repeatedly_loses_nothing(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    source, job = a_manifest(tmp_path / "list.jsonl"), "killed"
    dice, killed = random.Random(20261122), 0
    planner = JobWriter(connect(settings), settings.key_prefix)
    while True:
        producer = start_producer(source, output, job)
        if killed < 6:
            _wait_for_more(planner, job, producer, dice.uniform(0, 0.05))
            producer.send_signal(signal.SIGKILL)
        printed, _ = producer.communicate(timeout=60)
        if producer.returncode == 0:
            break
        killed += producer.returncode == -signal.SIGKILL
        assert producer.returncode == -signal.SIGKILL
    assert killed >= 3
    assert json.loads(printed)["resumed"]
    shards = shards_waiting(settings)
    by_name = {shard["shard"]: shard for shard in shards}
    assert all(shard == by_name[shard["shard"]] for shard in shards)  # duplicates are identical
    assert files_of(list(by_name.values())) == Counter(range(FILES))
    assert len(shards) - len(by_name) <= 100 * killed  # shards per round trip
    counts = status(job).counts
    assert (counts.files, counts.published) == (FILES, True)


def _wait_for_more(
    planner: JobWriter, job: str, producer: "subprocess.Popen[bytes]", seconds: float
) -> None:
    """Wait until the producer has published more, and then `seconds`."""
    before, give_up = planner.about(job), time.monotonic() + 60
    while planner.about(job) == before and producer.poll() is None:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    time.sleep(seconds)


def test_enqueuing_a_published_job_again_does_nothing(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    source = a_manifest(tmp_path / "list.jsonl", 10)
    enqueue([source], output=output, job="once")
    again = enqueue([source], output=output, job="once")
    assert (again.published_before, again.enqueued) == (True, 0)
    assert len(shards_waiting(settings)) == 1
    with pytest.raises(JobRefused, match="choose another name"):
        enqueue([source], output=output, job="once", overwrite=True)


def test_no_more_than_the_maximum_of_messages_waits(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    source, taken = a_manifest(tmp_path / "list.jsonl", 5_000), 0
    most: list[int] = []

    def take_some(result: EnqueueResult, waiting: int | None) -> None:
        nonlocal taken
        most.append(status(result.job).ready_messages)
        if waiting is not None:
            taken += drain(settings, 30)

    result = enqueue([source], output=output, max_ready=40, progress=take_some)
    assert result.shards == 100
    assert taken > 0
    assert 20 <= max(most) <= 40


def test_longest_files_come_first_within_a_window(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    path, dice = tmp_path / "list.jsonl", random.Random(7)
    sizes = [32_000 * dice.randint(1, 4000) for _ in range(900)]
    rows = [{"audio": f"s3://audio/{n}.wav", "bytes": size} for n, size in enumerate(sizes)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    limits = ShardLimits(seconds=9000, files=40)
    enqueue([str(path)], output=output, limits=limits)
    shards = sorted(shards_waiting(settings), key=lambda shard: str(shard["shard"]))
    order = [file["bytes"] for shard in shards for file in shard["files"]]
    assert order == sorted(sizes, reverse=True)
    assert all(sum(f["bytes"] for f in s["files"]) <= 9000 * 32_000 for s in shards)
    assert max(len(shard["files"]) for shard in shards) == 40


def test_bad_sources_raise_and_bad_rows_raise_only_in_strict_mode(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("name,length\n")
    with pytest.raises(BadSource, match="header"):
        enqueue([str(bad)], output=output)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"audio": "s3://audio/a.wav"}\n{"audio": 7}\n{"audio": "s3://audio/b.wav"}\n')
    result = enqueue([str(rows)], output=output)
    assert (result.files, result.bad_row_count) == (2, 1)
    assert "line 2" in result.bad_rows[0]
    with pytest.raises(BadSource, match="line 2"):
        enqueue([str(rows)], output=output, strict=True)


def test_a_resumed_producer_keeps_the_counts_of_the_previous_one(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    source = Path(a_manifest(tmp_path / "list.jsonl", 12_000))
    source.write_text("nonsense\n" + source.read_text())

    def stop(result: EnqueueResult, waiting: int | None) -> None:
        if result.enqueued > 1000:
            raise Stopped

    with pytest.raises(Stopped):
        enqueue([str(source)], output=output, job="stopped", progress=stop)
    result = enqueue([str(source)], output=output, job="stopped")
    assert (result.resumed, result.files, result.bad_row_count) == (True, 12_000, 1)
    assert files_of(shards_waiting(settings)) == Counter(range(12_000))
    (kept,) = store.list(job_uri(output, "stopped", "bad_rows/"))
    assert b"line 1" in store.read(kept.uri)


class Stopped(Exception):
    """Raised in place of a kill."""


def test_jobs_without_published_messages_do_not_share_a_lane(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    source = a_manifest(tmp_path / "list.jsonl", 10)
    planner = JobWriter(connect(settings), settings.key_prefix)
    planner.begin("listing", output, queue=settings.queue)
    job = enqueue([source], output=output).job
    assert planner.about(job)["queue"] != settings.queue


def test_a_cancelled_job_cannot_be_resumed(settings: Settings, output: str, tmp_path: Path) -> None:
    source = a_manifest(tmp_path / "list.jsonl", 10)
    enqueue([source], output=output, job="off")
    cancel("off", settings)
    with pytest.raises(JobRefused, match="was cancelled"):
        enqueue([source], output=output, job="off")


def test_a_retry_that_is_killed_before_it_publishes_loses_nothing(
    settings: Settings, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = enqueue([a_manifest(tmp_path / "list.jsonl", 10)], output=output).job
    drain(settings, 100)
    recorder = OutcomeWriter(connect(settings), settings.key_prefix)
    for index in range(10):
        recorder.record(job, index, "failed" if index < 4 else "ok", 0)
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "publish", _stopped)
        with pytest.raises(Stopped):
            retry(job, settings)
    assert retry(job, settings).files == 4
    assert files_of(shards_waiting(settings)) == Counter(range(4))
    assert retry(job, settings).files == 0


def _stopped(*_: object) -> None:
    raise Stopped


def test_a_killed_reconcile_leaves_no_file_unpublished(
    settings: Settings, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = a_manifest(tmp_path / "list.jsonl", 12_000)
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "publish", _stopped)
        with pytest.raises(Stopped):
            enqueue([source], output=output, job="twice")
        with pytest.raises(Stopped):
            reconcile("twice", settings=settings)
    enqueue([source], output=output, job="twice")
    assert files_of(shards_waiting(settings)) == Counter(range(12_000))
