"""The upload of a folder reads only regular files below it: no links, FIFOs or devices."""

import os
from pathlib import Path

import pytest

from funasr_fleet.producer.discovery.folder import LocalFolder, open_below, walk
from funasr_fleet.producer.discovery.interface import BadRow, Filters, Source
from funasr_fleet.producer.estimate.headers import LocalFolderPreview, LocalOrStoredHeaders
from tests.support.examples import items, reason
from tests.support.memory_store import MemoryStore

UPLOAD = "s3://in/up/"
LINK = "is a symbolic link, which is not followed"
SECRET = b"secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside a secret file and a secret folder."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "others").mkdir()
    (tmp_path / "others/a.wav").write_bytes(SECRET)
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "in/good.wav").write_bytes(b"good")
    (tmp_path / "in/sub/a.wav").write_bytes(b"a")
    return tmp_path / "in"


def source(kind: str, folder: Path, store: MemoryStore) -> Source:
    if kind == "preview":
        return LocalFolderPreview(folder=folder, upload=UPLOAD, wanted=Filters())
    return LocalFolder(folder, UPLOAD, store)


@pytest.mark.parametrize("kind", ["preview", "upload"])
@pytest.mark.parametrize("target", ["secret", "others", "gone", "in/good.wav", "in"])
def test_a_link_is_a_bad_row(folder: Path, kind: str, target: str) -> None:
    (folder / "evil.wav").symlink_to(folder.parent / target)
    store = MemoryStore("in")
    bad, *good = items(source(kind, folder, store))
    assert reason(bad) == f"{folder / 'evil.wav'}: {LINK}"
    assert len(good) == 2
    assert SECRET not in [store.read(one.uri) for one in store.list(UPLOAD)]


def test_a_link_without_the_suffix_of_audio_is_a_bad_row_too(folder: Path) -> None:
    (folder / "calls").symlink_to(folder.parent / "others")
    bad, *_ = items(LocalFolder(folder, UPLOAD, MemoryStore("in")))
    assert reason(bad) == f"{folder / 'calls'}: {LINK}"


def test_a_folder_that_is_a_link_itself_is_uploaded(folder: Path) -> None:
    (folder.parent / "named").symlink_to(folder)
    found = items(LocalFolder(folder.parent / "named", UPLOAD, MemoryStore("in")))
    assert not [one for one in found if isinstance(one, BadRow)]


@pytest.mark.parametrize("kind", ["preview", "upload"])
def test_a_fifo_is_not_opened(folder: Path, kind: str) -> None:
    os.mkfifo(folder / "evil.wav")
    bad, *good = items(source(kind, folder, MemoryStore("in")))
    assert reason(bad) == f"{folder / 'evil.wav'}: is not a regular file"
    assert len(good) == 2


def replace_by(kind: str, path: Path) -> None:
    """Replace the file as another process may after it was listed."""
    path.unlink()
    match kind:
        case "link":
            path.symlink_to(path.parents[2] / "secret")
        case "fifo":
            os.mkfifo(path)
        case "file":
            path.with_suffix(".new").write_bytes(SECRET)
            os.rename(path.with_suffix(".new"), path)
        case "folder":
            path.parent.rmdir()
            path.parent.symlink_to(path.parents[2] / "others")


@pytest.mark.parametrize("kind", ["file", "fifo", "folder", "link"])
def test_a_file_that_was_replaced_after_it_was_listed_is_not_uploaded(
    folder: Path, kind: str
) -> None:
    file = next(one for one in walk(folder) if one.name == "sub/a.wav")
    held = file.path.open("rb")  # the inode cannot be used again
    replace_by(kind, file.path)
    store = MemoryStore("in")
    row = LocalFolder(folder, UPLOAD, store)._send(file, None)
    held.close()
    assert "a.wav: cannot be uploaded: " in reason(row.item)
    assert list(store.list(UPLOAD)) == []


@pytest.mark.parametrize("name", ["../secret", "sub/../../secret", "/secret", "", "sub", "gone"])
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(OSError, match=r"\w"):
        open_below(folder, name)
    assert open_below(folder, "sub/a.wav").read() == b"a"


def test_headers_of_other_rows_are_not_read_from_local_files(folder: Path) -> None:
    store = MemoryStore("in")
    store.write(f"{UPLOAD}../secret", b"stored", "")
    preview = LocalFolderPreview(folder=folder, upload=UPLOAD, wanted=Filters())
    headers = LocalOrStoredHeaders(store, [preview])
    assert headers.open_range(f"{UPLOAD}../secret", 0, 6) == b"stored"
    assert headers.open_range(f"{UPLOAD}good.wav", 1, 2) == b"oo"


def test_no_descriptor_stays_open(folder: Path) -> None:
    (folder / "sub/link").symlink_to("a.wav")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("sub/link", "sub/none", "sub/a.wav/x", "good.wav/x", "sub"):
        with pytest.raises(OSError, match=r"\w"):
            open_below(folder, name)
    assert len(os.listdir("/proc/self/fd")) == before
