"""A finished backlog is detected from listings and records, not by a request per file."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import fingerprint, output_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, encode
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.producer.dedup.up_to_date import UpToDateCheck
from funasr_fleet.storage.base import ObjectInfo
from funasr_fleet.storage.s3 import S3Store

MODEL = "sha256:m"
FILES = 2000
SHARD_FILES = 50


class CountingStore(S3Store):
    """The real store, with its requests counted."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.heads: list[str] = []
        self.listings = 0

    def read(self, uri: str) -> bytes:
        self.reads += 1
        return super().read(uri)

    def head(self, uri: str) -> ObjectInfo:
        self.heads.append(uri)
        return super().head(uri)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        self.listings += 1
        return super().list(prefix, after=after)


@pytest.fixture(scope="module")
def output() -> str:
    return f"s3://transcripts/{uuid.uuid4()}/"


@pytest.fixture(scope="module")
def refs(stack: Stack, output: str) -> list[AudioRef]:
    """Files that workers have finished in shards of 50."""
    store = S3Store()
    refs = [
        AudioRef(audio=f"s3://audio/漢 {n:04d}+.wav", relative=f"漢 {n:04d}+.wav", etag=f'"{n}"')
        for n in range(FILES)
    ]
    with ThreadPoolExecutor(8) as writers:
        rows = list(writers.map(lambda ref: _finish(store, output, ref), refs))
    for first in range(0, FILES, SHARD_FILES):
        uri = shard_record_uri(output, "night", f"night-{first // SHARD_FILES:06d}")
        store.write(uri, encode(rows[first : first + SHARD_FILES]), "application/x-ndjson")
    return refs


def _finish(store: S3Store, output: str, ref: AudioRef) -> FileRecord:
    mark = fingerprint(ref, ref.etag or "", MODEL, Options())
    body = json.dumps({"receipt": {"fingerprint": mark, "model_revision": MODEL}}).encode()
    etag = store.write(output_uri(output, ref.relative, "json"), body, "application/json")
    return FileRecord(relative=ref.relative, outcome="ok", etag=etag, fingerprint=mark)


def _done(
    store: CountingStore, output: str, refs: list[AudioRef], options: Options | None = None
) -> int:
    with UpToDateCheck(
        store=store, output=output, options=options or Options(), model_revision=MODEL
    ) as check:
        return sum(done for _, done in check.flag(refs))


def test_a_finished_backlog_is_detected_from_its_records(output: str, refs: list[AudioRef]) -> None:
    store = CountingStore()
    assert _done(store, output, refs) == FILES
    assert store.reads == FILES // SHARD_FILES
    assert store.listings <= 6  # pages of 1,000, of outputs and of records


def test_a_stale_backlog_is_detected_from_its_records(output: str, refs: list[AudioRef]) -> None:
    store = CountingStore()
    assert _done(store, output, refs, Options(formats=("json", "srt"))) == 0
    assert store.reads == FILES // SHARD_FILES


def test_only_results_newer_than_their_record_are_read(output: str, refs: list[AudioRef]) -> None:
    store = CountingStore()
    for ref in refs[10:13]:  # rewrite the result with a space added, which changes its ETag
        uri = output_uri(output, ref.relative, "json")
        store.write(uri, S3Store().read(uri) + b" ", "application/json")
    assert _done(store, output, refs) == FILES
    assert store.reads == FILES // SHARD_FILES + 3


def test_finished_manifest_rows_need_one_head_request_each_and_no_read(stack: Stack) -> None:
    """Manifests seldom have ETags: storage is queried only for audio that has a result."""
    store, folder = CountingStore(), str(uuid.uuid4())
    output = f"s3://transcripts/{folder}/"
    names = [f"{folder}/\u6f22 {n:03d}+.wav" for n in range(110)]
    rows = [AudioRef(audio=f"s3://audio/{name}", relative=name) for name in names]
    with ThreadPoolExecutor(8) as writers:
        etags = list(
            writers.map(lambda ref: store.write(ref.audio, ref.audio.encode(), "audio/wav"), rows)
        )
    known = [ref.model_copy(update={"etag": etag}) for ref, etag in zip(rows, etags, strict=True)]
    records = [_finish(store, output, ref) for ref in known[:100]]
    store.write(shard_record_uri(output, "day", "day-000000"), encode(records), "text/plain")
    assert _done(store, output, rows) == 100
    assert sorted(store.heads) == [ref.audio for ref in rows[:100]]
    assert store.reads == 1  # the record of the shard
