"""A local folder: listed in the order of its keys in S3, and uploaded once."""

import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.folder import LocalFolder, walk
from funasr_fleet.producer.discovery.interface import BadSource, Filters
from tests.support.examples import items, reason, refs, resumes_after_each_position
from tests.support.memory_store import MemoryStore

UPLOAD = "s3://in/up/"


class CountingStore(MemoryStore):
    """Records uploaded addresses."""

    def __init__(self) -> None:
        super().__init__("in")
        self.uploaded: list[str] = []

    def upload(self, uri: str, file: BinaryIO) -> None:
        self.uploaded.append(uri)
        super().upload(uri, file)


def _refs(folder: Path, store: MemoryStore) -> list[AudioRef]:
    return refs(LocalFolder(folder, UPLOAD, store))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.wav").write_bytes(b"bb")
    (tmp_path / "sub/a.mp3").write_bytes(b"a")
    (tmp_path / "notes.txt").write_bytes(b"no audio")
    return tmp_path


def test_every_audio_file_is_uploaded_under_its_name_and_found(folder: Path) -> None:
    store = CountingStore()
    found = _refs(folder, store)
    assert [ref.relative for ref in found] == ["b.wav", "sub/a.mp3"]
    assert store.read("s3://in/up/sub/a.mp3") == b"a"
    assert "s3://in/up/notes.txt" not in store.uploaded


def test_files_in_a_jobs_folder_are_not_uploaded(folder: Path) -> None:
    (folder / "_jobs").mkdir()
    (folder / "_jobs/x.wav").write_bytes(b"x")
    store = CountingStore()
    bad, *good = items(LocalFolder(folder, UPLOAD, store))
    assert "_jobs/x.wav: its name contains the path component _jobs" in reason(bad)
    assert len(good) == 2
    assert "s3://in/up/_jobs/x.wav" not in store.uploaded


def test_uploaded_files_are_not_uploaded_again(folder: Path) -> None:
    store = CountingStore()
    first = _refs(folder, store)
    store.uploaded.clear()
    assert _refs(folder, store) == first
    assert store.uploaded == []


def test_a_file_of_another_size_is_uploaded_again(folder: Path) -> None:
    store = CountingStore()
    before = _refs(folder, store)
    (folder / "b.wav").write_bytes(b"longer")
    store.uploaded.clear()
    after = _refs(folder, store)
    assert store.uploaded == ["s3://in/up/b.wav"]
    assert before[0].etag != after[0].etag


def test_other_objects_below_the_upload_prefix_are_ignored(folder: Path) -> None:
    store = CountingStore()
    store.write("s3://in/up/foreign.wav", b"x", "")
    assert "foreign.wav" not in [ref.relative for ref in _refs(folder, store)]


def test_it_resumes_after_any_name(folder: Path) -> None:
    for name in ("sub-1.wav", "sub.wav", "sub/b.wav", "sub0.wav", "a.wav"):
        (folder / name).write_bytes(b"x")
    store = CountingStore()
    assert resumes_after_each_position(LocalFolder(folder, UPLOAD, store))
    assert sorted(store.uploaded) == [f"{UPLOAD}{one.relative}" for one in _refs(folder, store)]


def test_files_are_uploaded_in_parallel_and_yielded_in_order(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    class MeetingStore(CountingStore):
        def upload(self, uri: str, file: BinaryIO) -> None:
            together.wait(timeout=10)
            super().upload(uri, file)

    for number in range(40):
        (tmp_path / f"{number:02}.wav").write_bytes(b"x" * number)
    found = _refs(tmp_path, MeetingStore())
    assert [ref.size_bytes for ref in found] == list(range(40))


def test_uploads_stay_only_a_little_ahead_of_the_consumer(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:02}.wav").write_bytes(b"x")
    store = CountingStore()
    found = LocalFolder(tmp_path, UPLOAD, store).after("")
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert len(store.uploaded) <= 20


def test_a_file_that_cannot_be_read_is_a_bad_row(folder: Path) -> None:
    class Vanishing(CountingStore):
        def upload(self, uri: str, file: BinaryIO) -> None:
            if uri.endswith("b.wav"):
                raise FileNotFoundError(2, "gone")
            super().upload(uri, file)

    bad, good = items(LocalFolder(folder, UPLOAD, Vanishing()))
    assert "b.wav: cannot be uploaded: " in reason(bad)
    assert isinstance(good, AudioRef)


def test_only_files_written_since_are_uploaded(folder: Path) -> None:
    os.utime(folder / "b.wav", (50, 50))
    os.utime(folder / "sub/a.mp3", (150, 150))
    store = CountingStore()
    found = refs(LocalFolder(folder, UPLOAD, store, Filters(since=100)))
    assert [ref.relative for ref in found] == ["sub/a.mp3"]
    assert store.uploaded == ["s3://in/up/sub/a.mp3"]


NAMES = ["a", "a-b/x", "a.wav", "b!", "b-/y", "b/1", "b/2/z", "b/3", "b0", "\u00e9/x"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def test_files_come_in_order_of_key(tree: Path) -> None:
    assert [file.name for file in walk(tree)] == sorted(NAMES)


@pytest.mark.parametrize("after", [*NAMES, "b", "b/", "b/2", "c", "\u00ff"])
def test_a_walk_resumes_after_any_name(tree: Path, after: str) -> None:
    names = [file.name for file in walk(tree, after=after)]
    assert names == [name for name in sorted(NAMES) if name > after]


def test_a_file_comes_with_its_path_and_size(tree: Path) -> None:
    (file,) = (one for one in walk(tree) if one.name == "b/2/z")
    assert (file.path.read_bytes(), file.size_bytes) == (b"b/2/z", 5)


def test_links_are_not_followed(tree: Path) -> None:
    links = {"circle": ".", "nowhere": "gone", "other.wav": "a.wav"}
    for name, target in links.items():
        (tree / name).symlink_to(tree / target)
    assert [file.name for file in walk(tree)] == sorted([*NAMES, *links])


def test_a_missing_folder_is_a_bad_source(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="nowhere cannot be read"):
        list(walk(tmp_path / "nowhere"))
