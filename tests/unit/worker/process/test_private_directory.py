"""Directories that a worker's processes share must not be writable by other users."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from funasr_fleet.settings import BadConfiguration
from funasr_fleet.worker.process.private_directory import (
    claim_numba_cache,
    claim_private,
    fault_above,
    fault_of,
)

ME, OTHER, GROUP = 1000, 1001, 50
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give a file to another user"
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def made(path: Path, mode: int) -> Path:
    path.mkdir(parents=True)
    path.chmod(mode)
    return path


@pytest.fixture
def permissive_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("permissive_umask")
def test_a_missing_directory_is_created_for_this_user_alone(tmp_path: Path) -> None:
    path = claim_private(tmp_path / "above" / "run")
    assert path.stat().st_uid == os.geteuid()
    assert mode_of(path) == 0o700
    assert mode_of(path.parent) == 0o755
    assert claim_private(path) == path


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711, 0o701])
def test_a_readable_directory_is_tightened_and_keeps_its_files(tmp_path: Path, mode: int) -> None:
    path = made(tmp_path / "run", mode)
    (path / "7").mkdir(0o755)
    (path / "7" / "slot0.json").write_text("{}")
    claim_private(path)
    assert mode_of(path) == 0o700
    assert (path / "7" / "slot0.json").read_text() == "{}"


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o775, 0o720, 0o702])
def test_a_writable_directory_is_rejected_and_unchanged(tmp_path: Path, mode: int) -> None:
    path = made(tmp_path / "run", mode)
    with pytest.raises(BadConfiguration) as refused:
        claim_private(path)
    assert str(refused.value) == (
        f"{path} can be written to by other users (mode {mode:04o}); remove it, "
        "or set FLEET_RUN_DIR to a directory that only this user can write to"
    )
    assert mode_of(path) == mode


@pytest.mark.parametrize(
    "what", ["open folder", "open file", pytest.param("file of another user", marks=needs_root)]
)
def test_a_directory_with_entries_that_others_can_write_is_rejected(
    tmp_path: Path, what: str
) -> None:
    path = made(tmp_path / "run", 0o755)
    entry = path / "numba" / what
    entry.parent.mkdir()
    entry.mkdir() if what == "open folder" else entry.touch()
    if what.startswith("open"):
        entry.chmod(0o777)
    else:
        os.chown(entry, OTHER, -1)
    with pytest.raises(BadConfiguration, match=f"holds {entry}, which other users own or can"):
        claim_private(path)
    assert mode_of(path) == 0o755


@needs_root
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o777])
def test_a_directory_of_another_user_is_rejected_even_for_root(tmp_path: Path, mode: int) -> None:
    path = made(tmp_path / "run", mode)
    os.chown(path, OTHER, -1)
    with pytest.raises(BadConfiguration, match=f"{path} belongs to user {OTHER}, but this process"):
        claim_private(path)


def test_a_symbolic_link_is_rejected(tmp_path: Path) -> None:
    target = made(tmp_path / "target", 0o700)
    for name, to in (("link", target), ("dangling", tmp_path / "nowhere")):
        (tmp_path / name).symlink_to(to)
        with pytest.raises(BadConfiguration, match=f"{tmp_path / name} is a symbolic link"):
            claim_private(tmp_path / name)
    assert not (tmp_path / "nowhere").exists()


def test_a_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(BadConfiguration, match=f"{tmp_path / 'run'} is not a directory"):
        claim_private(tmp_path / "run")
    with pytest.raises(BadConfiguration, match="below cannot be used: Not a directory"):
        claim_private(tmp_path / "run" / "below")


def test_a_directory_whose_parent_lets_others_replace_it_is_rejected(tmp_path: Path) -> None:
    above = made(tmp_path / "above", 0o777)
    made(above / "run", 0o700)
    with pytest.raises(BadConfiguration, match=f"{above} lets other users replace its contents"):
        claim_private(above / "run")
    above.chmod(0o1777)  # as /tmp
    claim_private(above / "run")


def test_links_above_are_followed_and_their_targets_are_checked(tmp_path: Path) -> None:
    above = made(tmp_path / "above", 0o755)
    (tmp_path / "near").symlink_to("above")
    (tmp_path / "far").symlink_to(tmp_path / "above" / ".." / "near")
    claim_private(tmp_path / "far" / "run")
    assert mode_of(above / "run") == 0o700
    above.chmod(0o777)
    with pytest.raises(BadConfiguration, match=f"{above} lets other users replace"):
        claim_private(tmp_path / "far" / "run")


@needs_root
def test_a_link_above_owned_by_another_user_is_rejected(tmp_path: Path) -> None:
    above = made(tmp_path / "above", 0o755)
    (tmp_path / "link").symlink_to(above)
    os.lchown(tmp_path / "link", OTHER, -1)
    with pytest.raises(BadConfiguration, match=f"{tmp_path / 'link'} belongs to user {OTHER}"):
        claim_private(tmp_path / "link" / "run")
    assert list(above.iterdir()) == []


def test_circular_links_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    with pytest.raises(BadConfiguration, match="Too many levels of symbolic links"):
        claim_private(tmp_path / "one" / "run")


def test_the_numba_cache_is_below_the_run_directory_unless_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    run_dir = claim_private(tmp_path / "run")
    assert claim_numba_cache(run_dir) == run_dir / "numba"
    assert mode_of(run_dir / "numba") == 0o700
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(made(tmp_path / "named", 0o777)))
    with pytest.raises(BadConfiguration, match="or set NUMBA_CACHE_DIR to a directory"):
        claim_numba_cache(run_dir)


def found(mode: int, uid: int, gid: int = GROUP) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "uid", "reason"),
    [
        (stat.S_IFDIR | 0o700, ME, None),
        (stat.S_IFDIR | 0o2755, ME, None),
        (stat.S_IFDIR | 0o700, OTHER, "belongs to user 1001"),
        (stat.S_IFDIR | 0o700, 0, "belongs to user 0"),
        (stat.S_IFDIR | 0o770, ME, "mode 0770"),
        (stat.S_IFDIR | 0o702, ME, "mode 0702"),
        (stat.S_IFLNK | 0o777, ME, "symbolic link"),
        (stat.S_IFREG | 0o700, ME, "not a directory"),
    ],
)
def test_owner_and_mode_decide_whether_a_directory_is_private(
    mode: int, uid: int, reason: str | None
) -> None:
    fault = fault_of(found(mode, uid), ME)
    assert (reason in fault) if reason and fault else fault == reason


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "is_mount", "trusted"),
    [
        (0o755, 0, 0, False, True),
        (0o755, ME, GROUP, False, True),
        (0o755, OTHER, GROUP, False, False),
        (0o1777, 0, 0, False, True),
        (0o1777, OTHER, 0, False, False),
        (0o777, 0, 0, False, False),
        (0o777, ME, GROUP, False, False),
        (0o775, ME, GROUP, False, True),  # a user's own group, and umask 002
        (0o775, ME, 60, False, False),
        (0o2777, 0, GROUP, True, True),  # an emptyDir of Kubernetes, with fsGroup
        (0o2777, OTHER, GROUP, True, False),
        (0o777, ME, GROUP, True, False),
    ],
)
def test_which_directories_above_are_trusted(
    mode: int, uid: int, gid: int, is_mount: bool, trusted: bool
) -> None:
    above = found(stat.S_IFDIR | mode, uid, gid)
    fault = fault_above(above, {0, ME}, {0, GROUP}, is_mount=is_mount)
    assert (fault is None) is trusted


def test_only_the_owner_of_a_link_counts() -> None:
    for uid, trusted in ((0, True), (ME, True), (OTHER, False)):
        link = found(stat.S_IFLNK | 0o777, uid)
        assert (fault_above(link, {0, ME}, {0, GROUP}, is_mount=False) is None) is trusted
