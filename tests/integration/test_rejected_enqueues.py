"""A rejected or empty enqueue creates no job, neither in Redis nor in S3."""

import errno
import gzip
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import enqueue, list_jobs, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.cli.exits import exit_for
from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Options
from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.producer.errors import BadArgument, JobRefused, OptionsRefused
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import BucketMissing, StoreError
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import shards_waiting
from tests.support.stores import InProcessStore

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
    with pytest.raises((BadArgument, StoreError)):
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


def scan_unless_locked(path: Path, scan: Callable[[Path], Any] = os.scandir) -> Any:
    """Reject a folder by its name, since root may read every folder."""
    if "locked" in str(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return scan(path)


WITHOUT_FILES = {
    "a prefix without objects",
    "a .csv of only a header",
    "an empty folder",
    "rows that are all invalid",
    "nothing after the time filter",
    "nothing with the suffix",
}
"""Enqueues that are accepted although they have no file."""

Refused = tuple[list[str], dict[str, Any]]


def every_refused_enqueue(folder: Path, output: str) -> dict[str, Refused]:
    """Sources and options of enqueues without a valid source or without any file."""
    good = a_manifest(folder / "good.jsonl", GOOD)
    empty = folder / "empty"
    empty.mkdir()
    (folder / "locked").mkdir()
    (folder / "calls").mkdir()
    (folder / "calls" / "a.wav").write_bytes(b"x")
    (folder / "cut.jsonl.gz").write_bytes(gzip.compress(GOOD.encode() * 99)[:-9])
    upload = {"upload": "s3://audio/uploaded/"}
    return {
        "a missing local manifest": ([str(folder / "nowhere.csv")], {}),
        "a missing manifest in S3": (["s3://audio/nowhere.csv"], {}),
        "a manifest in a missing bucket": (["s3://no-such-bucket/a.jsonl"], {}),
        "a prefix in a missing bucket": (["s3://no-such-bucket/calls/"], {}),
        "a prefix without objects": ([f"s3://audio/{uuid.uuid4()}/"], {}),
        "a missing source after a good one": ([good, "s3://audio/nowhere.csv"], {}),
        "a .csv without the column audio": ([a_manifest(folder / "a.csv", "name,s\nx,1\n")], {}),
        "a .tsv without the column audio": ([a_manifest(folder / "a.tsv", "name\ts\nx\t1\n")], {}),
        "a .csv of only a header": ([a_manifest(folder / "b.csv", "audio,language\n")], {}),
        "a truncated .gz": ([str(folder / "cut.jsonl.gz")], {}),
        "an empty folder": ([str(empty)], upload),
        "an unreadable folder": ([str(folder / "locked")], upload),
        "a folder without an upload": ([str(folder / "calls")], {}),
        "an upload to a missing bucket": ([str(folder / "calls")], {"upload": "s3://no-such/x/"}),
        "rows that are all invalid": ([a_manifest(folder / "c.jsonl", "{}\n")], {}),
        "nothing after the time filter": (["s3://audio/"], {"since": time.time() + 86_400}),
        "nothing with the suffix": (["s3://audio/"], {"suffixes": (".never",)}),
        "an invalid job name": ([good], {"job": "a/b"}),
        "an unknown prefix of the output": ([good], {"output": output.rstrip("/")}),
    }


def test_no_refused_enqueue_leaves_anything_or_becomes_the_newest_job(
    settings: Settings, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = InProcessStore()
    enqueue([a_manifest(tmp_path / "a.jsonl", GOOD)], output=output, job="day", store=store)
    redis: Any = connect(settings)
    keys, objects = sorted(redis.keys(f"{settings.key_prefix}*")), list(store.list(output))
    monkeypatch.setattr(os, "scandir", scan_unless_locked)
    for what, (sources, given) in every_refused_enqueue(tmp_path, output).items():
        refused: Exception | None = None
        try:
            found = enqueue(sources, **{"output": output, "store": store, **given})
        except Exception as error:
            refused = error
        assert (refused is None) == (what in WITHOUT_FILES), what
        assert exit_for(refused) if refused else (found.empty, found.files) == (True, 0), what
        assert [one.job for one in list_jobs(settings)] == ["day"], what
        assert sorted(redis.keys(f"{settings.key_prefix}*")) == keys, what
        assert list(store.list(output)) == objects, what
