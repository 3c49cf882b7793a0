"""A file of a folder that cannot be uploaded is an invalid row; the others are found."""

import itertools
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from funasr_fleet.producer.discovery.folder import LocalFolder, walk
from funasr_fleet.storage.base import BucketMissing, ObjectDenied, ObjectMissing, StoreError
from tests.support.examples import items, reason
from tests.support.memory_store import MemoryStore

UPLOAD = "s3://in/up/"


class LimitedStore(MemoryStore):
    """Like S3, it refuses keys of more than 1,024 bytes."""

    def __init__(self) -> None:
        super().__init__("in")

    def upload(self, uri: str, file: BinaryIO) -> None:
        if len(uri.removeprefix("s3://in/").encode()) > 1024:
            raise ObjectDenied(f"storage refused {uri}: KeyTooLongError")
        super().upload(uri, file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.wav").write_bytes(b"good")
    return tmp_path


def _nested(folder: Path, name: str, levels: int) -> None:
    """Create a file below nested folders."""
    below = folder.joinpath(*[name] * levels)
    below.mkdir(parents=True)
    (below / "a.wav").write_bytes(b"a")


def test_a_file_whose_key_is_too_long_is_an_invalid_row(folder: Path) -> None:
    _nested(folder, "d" * 210, 5)
    bad, _ = items(LocalFolder(folder, UPLOAD, LimitedStore()))
    assert "more than 1024 bytes" in reason(bad)


def test_deeply_nested_folders_are_walked_up_to_the_length_of_a_key(folder: Path) -> None:
    folders = list(itertools.accumulate(["d"] * 1100, os.path.join, initial=str(folder)))[1:]
    for one in folders:
        os.mkdir(one)
    file = Path(folders[-1], "a.wav")
    file.write_bytes(b"a")
    try:
        names = [one.name for one in walk(folder)]
    finally:  # pytest removes folders recursively
        file.unlink()
        for one in reversed(folders):
            os.rmdir(one)
    assert names == ["d/" * 513, "good.wav"]


def test_a_folder_whose_path_is_too_long_is_an_invalid_row(folder: Path) -> None:
    """Its path is too long for the system calls that take one."""
    place, opened = os.open(folder, os.O_RDONLY), []
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=place)
        opened.append(place)
        place = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
    os.close(place)
    try:
        bad, good = items(LocalFolder(folder, UPLOAD, LimitedStore()))
        deepest = next(one.name for one in walk(folder))
        rest = [one.name for one in walk(folder, after=deepest)]
    finally:  # pytest cannot remove folders with such paths
        for one in reversed(opened):
            os.rmdir("d" * 200, dir_fd=one)
            os.close(one)
    assert "its path has more than 1024 bytes" in reason(bad)
    assert "good.wav" in str(good)
    assert rest == ["good.wav"]


def test_a_file_that_is_deleted_from_storage_after_its_upload_is_an_invalid_row(
    folder: Path,
) -> None:
    class Losing(LimitedStore):
        def upload(self, uri: str, file: BinaryIO) -> None:
            super().upload(f"{uri}.other", file)

    (bad,) = items(LocalFolder(folder, UPLOAD, Losing()))
    assert "cannot be uploaded" in reason(bad)


@pytest.mark.parametrize("error", [BucketMissing("no"), ObjectDenied("no")])
def test_a_missing_bucket_or_permission_ends_the_upload(folder: Path, error: StoreError) -> None:
    class Failing(LimitedStore):
        def upload(self, uri: str, file: BinaryIO) -> None:
            raise error

    with pytest.raises((ObjectMissing, ObjectDenied)):
        items(LocalFolder(folder, UPLOAD, Failing()))
