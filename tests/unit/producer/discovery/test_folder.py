"""A local folder: uploaded once, then referred to."""

import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.filters import Filters
from funasr_fleet.producer.discovery.folder import LocalFolder
from funasr_fleet.storage.base import MemoryStore
from tests.support.examples import goes_on_behind_each, items, reason, refs

UPLOAD = "s3://in/up/"


class CountingStore(MemoryStore):
    """Remembers what was uploaded."""

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


def test_what_lies_in_a_folder_of_jobs_is_not_uploaded_over_their_documents(folder: Path) -> None:
    (folder / "_jobs").mkdir()
    (folder / "_jobs/x.wav").write_bytes(b"x")
    store = CountingStore()
    bad, *good = items(LocalFolder(folder, UPLOAD, store))
    assert "_jobs/x.wav: its name has _jobs as a part" in reason(bad)
    assert len(good) == 2
    assert "s3://in/up/_jobs/x.wav" not in store.uploaded


def test_what_is_there_already_is_not_sent_again(folder: Path) -> None:
    store = CountingStore()
    first = _refs(folder, store)
    store.uploaded.clear()
    assert _refs(folder, store) == first
    assert store.uploaded == []


def test_a_file_of_another_size_is_sent_again(folder: Path) -> None:
    store = CountingStore()
    before = _refs(folder, store)
    (folder / "b.wav").write_bytes(b"longer")
    store.uploaded.clear()
    after = _refs(folder, store)
    assert store.uploaded == ["s3://in/up/b.wav"]
    assert before[0].etag != after[0].etag


def test_what_others_put_beside_it_is_not_ours(folder: Path) -> None:
    store = CountingStore()
    store.write("s3://in/up/foreign.wav", b"x", "")
    assert "foreign.wav" not in [ref.relative for ref in _refs(folder, store)]


def test_it_goes_on_behind_any_name(folder: Path) -> None:
    for name in ("sub-1.wav", "sub.wav", "sub/b.wav", "sub0.wav", "a.wav"):
        (folder / name).write_bytes(b"x")
    store = CountingStore()
    assert goes_on_behind_each(LocalFolder(folder, UPLOAD, store))
    assert sorted(store.uploaded) == [f"{UPLOAD}{one.relative}" for one in _refs(folder, store)]


def test_files_are_sent_at_the_same_time_and_come_in_order(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    class MeetingStore(CountingStore):
        def upload(self, uri: str, file: BinaryIO) -> None:
            together.wait(timeout=10)
            super().upload(uri, file)

    for number in range(40):
        (tmp_path / f"{number:02}.wav").write_bytes(b"x" * number)
    found = _refs(tmp_path, MeetingStore())
    assert [ref.size_bytes for ref in found] == list(range(40))


def test_no_more_is_sent_than_a_little_ahead_of_who_takes_it(tmp_path: Path) -> None:
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


def test_only_files_written_since_are_sent(folder: Path) -> None:
    os.utime(folder / "b.wav", (50, 50))
    os.utime(folder / "sub/a.mp3", (150, 150))
    store = CountingStore()
    found = refs(LocalFolder(folder, UPLOAD, store, Filters(since=100)))
    assert [ref.relative for ref in found] == ["sub/a.mp3"]
    assert store.uploaded == ["s3://in/up/sub/a.mp3"]
