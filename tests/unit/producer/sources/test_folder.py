"""A local folder: uploaded once, then referred to."""

from pathlib import Path
from typing import BinaryIO

import pytest

from contract.job import AudioRef
from contract.store import MemoryStore
from producer.sources.folder import LocalFolder

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
    return [one for one in LocalFolder(folder, UPLOAD, store) if isinstance(one, AudioRef)]


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
