"""Sources over a real S3: ordered, complete and resumable."""

import gzip
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery import BadSource, Filters, open_source
from funasr_fleet.producer.discovery.parallel_listing import ParallelListing
from funasr_fleet.storage.s3 import S3Store


@pytest.fixture
def prefix() -> str:
    return f"s3://audio/{uuid.uuid4()}/"


def _write(store: S3Store, uris: list[str]) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda uri: store.write(uri, b"x", "audio/wav"), uris))


def _keys() -> list[str]:
    """Folders of several sizes, names that sort around the slash, and other files."""
    flat = [f"flat/{n:04}.wav" for n in range(1500)]
    deep = [f"deep/2026/{day:02}/{n}.mp3" for day in range(30) for n in range(30)]
    single = [f"single/{n:03}/a.wav" for n in range(300)]
    odd = ["flat!.wav", "flat-1/a.wav", "flat.wav", "flat0.wav", "\u4f60\u597d/\u00e9 +&.wav"]
    return flat + deep + single + odd


@pytest.mark.slow
def test_a_prefix_is_listed_completely_in_order_and_after_any_key(
    store: S3Store, prefix: str
) -> None:
    keys = sorted(_keys())
    _write(store, [prefix + key for key in keys])
    _write(store, [f"{prefix}flat/{n:04}.wav.json" for n in range(50)])
    source = open_source(prefix, store, None)
    found = list(source.after(""))
    assert [one.item.relative for one in found if isinstance(one.item, AudioRef)] == keys
    for at in (0, 700, 1500, 2000, len(found) - 1):
        rest = source.after(found[at].position)
        assert [one.position for one in rest] == [one.position for one in found[at + 1 :]]


@pytest.mark.parametrize("page_size", [2, 7, 50])
def test_small_pages_neither_lose_nor_repeat_files(
    store: S3Store, prefix: str, page_size: int
) -> None:
    keys = [f"{prefix}{a}{cut}{b}.wav" for a in range(6) for cut in "-/0" for b in range(5)]
    _write(store, keys)
    listing = ParallelListing(store=store, page_size=page_size)
    assert [found.uri for found in listing.list(prefix)] == sorted(keys)


def test_a_packed_manifest_in_s3_is_read(store: S3Store, prefix: str) -> None:
    rows = [json.dumps({"audio": f"s3://b/{n}.wav"}) for n in range(1000)]
    packed = gzip.compress("\n".join(rows).encode())
    store.write(f"{prefix}list.jsonl.gz", packed, "application/gzip")
    source = open_source(f"{prefix}list.jsonl.gz", store, None)
    assert [found.position for found in source.after("990")] == [str(n) for n in range(991, 1001)]
    store.write(f"{prefix}cut.jsonl.gz", packed[:-9], "application/gzip")
    with pytest.raises(BadSource, match="truncated after line 999"):
        list(open_source(f"{prefix}cut.jsonl.gz", store, None).after(""))


def test_a_folder_is_uploaded_once(store: S3Store, prefix: str, tmp_path: Path) -> None:
    for name in ("b.wav", "a/1.wav", "a-1.wav", "a/2.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    source = open_source(str(tmp_path), store, prefix)
    first = list(source.after(""))
    assert [one.position for one in first] == ["a-1.wav", "a/1.wav", "a/2.txt", "b.wav"]
    written = {found.uri: (found.etag, found.modified) for found in store.list(prefix)}
    assert [one.item.etag for one in first if isinstance(one.item, AudioRef)] == [
        etag for etag, _ in written.values()
    ]
    assert list(source.after("a/1.wav")) == first[2:]
    assert list(source.after("")) == first
    assert {found.uri: (found.etag, found.modified) for found in store.list(prefix)} == written


def test_old_files_can_be_excluded(store: S3Store, prefix: str) -> None:
    _write(store, [f"{prefix}{n}.wav" for n in range(3)])
    newest = max(found.modified or 0 for found in store.list(prefix))
    assert list(open_source(prefix, store, None, Filters(since=newest + 1)).after("")) == []
    kept = open_source(prefix, store, None, Filters(since=newest - 60))
    assert len(list(kept.after(""))) == 3
