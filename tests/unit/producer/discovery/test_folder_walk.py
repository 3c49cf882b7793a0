"""The order of a local folder is that of its names in S3."""

from pathlib import Path

import pytest

from funasr_fleet.producer.discovery.folder import walk
from funasr_fleet.producer.discovery.interface import BadSource

NAMES = ["a", "a-b/x", "a.wav", "b!", "b-/y", "b/1", "b/2/z", "b/3", "b0", "\u00e9/x"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def test_files_come_in_order_of_key(folder: Path) -> None:
    assert [file.name for file in walk(folder)] == sorted(NAMES)


@pytest.mark.parametrize("after", [*NAMES, "b", "b/", "b/2", "c", "\u00ff"])
def test_it_goes_on_behind_any_name(folder: Path, after: str) -> None:
    names = [file.name for file in walk(folder, after=after)]
    assert names == [name for name in sorted(NAMES) if name > after]


def test_a_file_comes_with_its_path_and_size(folder: Path) -> None:
    (file,) = (one for one in walk(folder) if one.name == "b/2/z")
    assert (file.path.read_bytes(), file.size_bytes) == (b"b/2/z", 5)


def test_links_to_folders_and_to_nowhere_are_passed_over(folder: Path) -> None:
    (folder / "circle").symlink_to(folder)
    (folder / "nowhere").symlink_to(folder / "gone")
    (folder / "other.wav").symlink_to(folder / "a.wav")
    assert [file.name for file in walk(folder)] == sorted([*NAMES, "other.wav"])


def test_a_folder_that_is_not_there_is_a_bad_source(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="nowhere cannot be read"):
        list(walk(tmp_path / "nowhere"))
