"""Objects and files that do not count as audio are counted by suffix, in bounded memory."""

import os
from pathlib import Path

import pytest

from funasr_fleet.producer.discovery.folder import LocalFolder
from funasr_fleet.producer.discovery.ignored import (
    MAX_SUFFIXES,
    NO_SUFFIX,
    OTHERS,
    IgnoredCounts,
    ignored,
    ignored_text,
)
from funasr_fleet.producer.discovery.interface import Filters, Ignored, Source
from funasr_fleet.producer.discovery.s3_prefix import S3Prefix
from funasr_fleet.producer.estimate.headers import LocalFolderPreview
from tests.support.examples import a_store
from tests.support.memory_store import MemoryStore


def counted(*names: str) -> dict[str, int]:
    counts = IgnoredCounts()
    for name in names:
        counts.add(ignored(name))
    return counts.by_suffix()


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("s3://in.x/calls/a.TXT", ".txt"),
        ("a.tar.gz", ".gz"),
        ("a.wav.json", ".json"),
        ("s3://in.x/v1.2/readme", NO_SUFFIX),
        ("calls/.gitignore", NO_SUFFIX),
        (".gitignore", NO_SUFFIX),
        ("a.", NO_SUFFIX),
        ("a.2026-11-29T10:00", OTHERS),
        ("notes of Dr. Smith", OTHERS),
        ("a.\x1b[31m", OTHERS),
        ("a." + 99 * "x", OTHERS),
    ],
)
def test_a_name_is_counted_under_its_suffix(name: str, suffix: str) -> None:
    assert ignored(name) == Ignored(suffix)


def test_the_most_frequent_suffix_comes_first() -> None:
    counts = counted("b.txt", "a.pdf", "c.txt", "d", "e.pdf", "f.txt")
    assert list(counts.items()) == [(".txt", 3), (".pdf", 2), (NO_SUFFIX, 1)]
    assert ignored_text(counts) == "ignored: 6 (.txt 3, .pdf 2, (no suffix) 1)"


def test_nothing_ignored_is_not_mentioned() -> None:
    assert ignored_text({}) is None


def test_ten_suffixes_are_shown() -> None:
    text = ignored_text({f".x{n:02}": 3000 - n for n in range(12)})
    assert text is not None
    assert text.startswith("ignored: 35,934 (.x00 3,000, ")
    assert text.endswith(", .x09 2,991, others 5,979)")


def test_memory_is_bounded_and_every_name_counts() -> None:
    counts = counted(*(f"a.n{n}" for n in range(10_000)), "b.n0")
    assert len(counts) == MAX_SUFFIXES + 1
    assert sum(counts.values()) == 10_001
    assert next(iter(counts.items())) == (".n0", 2)
    assert list(counts.items())[-1] == (OTHERS, 10_000 - MAX_SUFFIXES)


def in_source(source: Source) -> list[str]:
    """The suffix of each ignored item of a source."""
    found = [one.item for one in source.after("")]
    return [item.suffix for item in found if isinstance(item, Ignored)]


KEYS = ("a.txt", "b.wav", "c/d.TXT", "c/e")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for key in KEYS:
        path = tmp_path / key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def test_prefixes_folders_and_their_previews_ignore_the_same(folder: Path) -> None:
    store = MemoryStore("up")
    preview = LocalFolderPreview(folder=folder, upload="s3://up/", wanted=Filters())
    expected = [".txt", ".txt", NO_SUFFIX]
    assert in_source(S3Prefix("s3://in/", a_store(*KEYS))) == expected
    assert in_source(LocalFolder(folder, "s3://up/", store)) == expected
    assert in_source(preview) == expected
    assert [info.uri for info in store.list("s3://up/")] == ["s3://up/b.wav"]


def test_requested_suffixes_decide_what_is_ignored(folder: Path) -> None:
    wanted = Filters(suffixes=("txt",))
    assert in_source(LocalFolder(folder, "s3://up/", MemoryStore("up"), wanted)) == [
        ".wav",
        NO_SUFFIX,
    ]


def test_what_is_older_than_requested_is_not_counted(folder: Path) -> None:
    os.utime(folder / "a.txt", (50, 50))
    wanted = Filters(since=100)
    assert in_source(LocalFolder(folder, "s3://up/", MemoryStore("up"), wanted)) == [
        ".txt",
        NO_SUFFIX,
    ]
