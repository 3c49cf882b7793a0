"""A rejected or empty enqueue creates no job, neither in Redis nor in S3."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import enqueue, list_jobs, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Options
from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.producer.errors import JobRefused, OptionsRefused
from funasr_fleet.settings import BadConfiguration, Settings
from funasr_fleet.storage.base import BucketMissing, StoreError
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import shards_waiting

GOOD = '{"audio": "s3://audio/a.wav"}\n'


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet without workers."""
    return separate_fleet


@pytest.fixture
def nothing_is_left(settings: Settings, store: S3Store, output: str) -> Callable[[], bool]:
    redis: Any = connect(settings)

    def check() -> bool:
        assert list_jobs(settings) == []
        assert redis.keys(f"{settings.key_prefix}fleet:job*") == []
        assert list(store.list(output)) == []
        return True

    return check


def a_manifest(path: Path, *lines: str) -> str:
    path.write_text("".join(lines))
    return str(path)


@pytest.mark.parametrize(
    ("lines", "bad"),
    [((), 0), (("# nothing\n",), 0), (("{\n", "[]\n"), 2), (("{\n",) * 25_000, 25_000)],
    ids=["empty", "comments", "bad rows", "many bad rows"],
)
def test_a_manifest_without_a_reference_creates_no_job(
    nothing_is_left: Callable[[], bool], output: str, tmp_path: Path, lines: list[str], bad: int
) -> None:
    source = a_manifest(tmp_path / ("a.jsonl" if bad else "a.txt"), *lines)
    found = enqueue([source], output=output, job="night")
    assert nothing_is_left()
    assert (found.files, found.bad_row_count, found.empty) == (0, bad, True)


def test_a_prefix_without_audio_creates_no_job(
    nothing_is_left: Callable[[], bool], store: S3Store, output: str
) -> None:
    source = f"s3://audio/{uuid.uuid4()}/"
    for _ in range(2):
        found = enqueue([source], output=output)
        assert nothing_is_left()
        assert (found.files, found.empty) == (0, True)
        store.write(f"{source}readme.txt", b"x", "text/plain")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("nowhere.jsonl", BadSource),
        ("nowhere", BadSource),
        ("s3://audio/nowhere.jsonl", StoreError),
        ("s3://no-such-bucket/calls/", BucketMissing),
    ],
)
def test_a_missing_source_creates_no_job(
    nothing_is_left: Callable[[], bool], output: str, source: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        enqueue([source], output=output)
    assert nothing_is_left()


@pytest.mark.parametrize(
    ("name", "body"), [("a.jsonl", GOOD + "{\n"), ("a.csv", "name,length\n"), ("a.txt", "calls/\n")]
)
def test_a_malformed_manifest_in_strict_mode_creates_no_job(
    nothing_is_left: Callable[[], bool], output: str, tmp_path: Path, name: str, body: str
) -> None:
    with pytest.raises(BadSource):
        enqueue([a_manifest(tmp_path / name, body)], output=output, strict=True)
    assert nothing_is_left()


def test_an_unsupported_option_creates_no_job(
    settings: Settings, nothing_is_left: Callable[[], bool], output: str, tmp_path: Path
) -> None:
    fleet = WorkerRegistry(connect(settings), settings.key_prefix)
    fleet.register_model("no-words", "sha256:x", Abilities(), settings.queue)
    fleet.heartbeat(settings.queue, "no-words", time.time())
    source = a_manifest(tmp_path / "a.jsonl", GOOD)
    with pytest.raises(OptionsRefused):
        enqueue([source], output=output, model="no-words", options=Options(timestamps="word"))
    with pytest.raises(OptionsRefused):
        enqueue([source], output=output, model=" ")
    assert nothing_is_left()


@pytest.mark.parametrize("bad", ["s3://transcripts", "s3://no-such-bucket/x/", "transcripts/"])
def test_an_invalid_output_creates_no_job(
    nothing_is_left: Callable[[], bool], tmp_path: Path, bad: str
) -> None:
    with pytest.raises((BadConfiguration, StoreError)):
        enqueue([a_manifest(tmp_path / "a.jsonl", GOOD)], output=bad)
    assert nothing_is_left()


def test_a_rejected_enqueue_does_not_change_an_existing_job(
    settings: Settings, store: S3Store, output: str, tmp_path: Path
) -> None:
    source = a_manifest(tmp_path / "a.jsonl", GOOD)
    enqueue([source], output=output, job="night")
    before, objects = status("night", settings).counts, list(store.list(output))
    with pytest.raises(JobRefused):
        enqueue([a_manifest(tmp_path / "b.jsonl")], output=output, job="night")
    with pytest.raises(BadSource):
        enqueue([str(tmp_path / "c.jsonl")], output=output + "x/", job="day")
    assert status("night", settings).counts == before
    assert list(store.list(output)) == objects
    assert len(shards_waiting(settings)) == 1


def test_the_job_name_of_an_empty_enqueue_can_be_used_again(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    source = a_manifest(tmp_path / "a.jsonl")
    enqueue([source], output=output, job="night")
    a_manifest(tmp_path / "a.jsonl", GOOD)
    found = enqueue([source], output=output, job="night")
    assert (found.enqueued, found.resumed, found.empty) == (1, False, False)
    assert status("night", settings).progress.state == "running"
