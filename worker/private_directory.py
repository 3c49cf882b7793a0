"""Directories that only this process's user can write to.

numba runs the pickles that it finds in its cache, and the processes of a worker trust each other's
files. So nobody else may be able to write to these directories, or to put others in their place.
"""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

import psutil

from contract.settings import BadConfiguration

RUN_DIR = "FLEET_RUN_DIR"
NUMBA_CACHE_DIR = "NUMBA_CACHE_DIR"

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ROOT = Path("/")
_MAX_LINKS = 40
"""As many as Linux follows in one path."""


def claim_run_dir(root: Path) -> Path:
    """A directory for this process and its children; those of dead workers are removed.

    Raises:
        BadConfiguration: as claim_private.
    """
    claim_private(root)
    for old in root.glob("[0-9]*"):
        if old.name.isdecimal() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    mine = root / str(os.getpid())
    claim_private(mine)
    return mine


def claim_numba_cache(run_dir: Path) -> Path:
    """The directory of what numba compiles: NUMBA_CACHE_DIR, or one below run_dir.

    Raises:
        BadConfiguration: as claim_private.
    """
    named = os.environ.get(NUMBA_CACHE_DIR)
    return (
        claim_private(Path(named), NUMBA_CACHE_DIR) if named else claim_private(run_dir / "numba")
    )


def claim_private(path: Path, setting: str = RUN_DIR) -> Path:
    """Make the directory if it is absent, and its mode 0700; return its absolute path.

    A directory of ours that others may read is tightened. One that they may write to is not: what
    lies in it may be theirs.

    Args:
        path: the directory.
        setting: what names it, for the message.

    Raises:
        BadConfiguration: another user could write to it or replace it, or it cannot be made.
    """
    path = path.absolute()
    elsewhere = f"set {setting} to a directory that only this user can write to"
    try:
        if fault := _fault_above(path.parent):
            raise BadConfiguration(f"{fault}; {elsewhere}")
        if fault := _claim(path):
            remedy = "name a directory below it" if os.path.ismount(path) else "remove it"
            raise BadConfiguration(f"{path} {fault}; {remedy}, or {elsewhere}")
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be used: {error.strerror}; {elsewhere}") from None
    return path


def _claim(path: Path) -> str | None:
    """What is wrong with the directory; None when it is private now."""
    found = _look_or_make(path, 0o700)
    if fault := fault_of(found, os.geteuid()):  # of what cannot be opened too: a link
        return fault
    held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return fault_of(os.fstat(held), os.geteuid()) or _tighten(path, held)
    finally:
        os.close(held)


def _look_or_make(path: Path, mode: int) -> os.stat_result:
    with suppress(FileNotFoundError):
        return path.lstat()
    with suppress(FileExistsError):  # another worker makes it at this moment
        path.mkdir(mode)
    return path.lstat()


def fault_of(found: os.stat_result, user: int) -> str | None:
    """PURE: why the directory is not the user's own; None when nobody else can write to it."""
    if stat.S_ISLNK(found.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a directory"
    if found.st_uid != user:
        return f"belongs to user {found.st_uid}, but this process runs as user {user}"
    if found.st_mode & _WRITABLE_BY_OTHERS:
        return f"can be written to by other users (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def _tighten(path: Path, held: int) -> str | None:
    """Take group and others off an open directory of ours; say why it cannot be done."""
    if not os.fstat(held).st_mode & _OPEN_TO_OTHERS:
        return None
    foreign = _foreign_entry(path)
    if foreign:
        return f"holds {foreign}, which other users own or can write to"
    os.fchmod(held, 0o700)
    mode = stat.S_IMODE(os.fstat(held).st_mode)
    return f"cannot be made private (mode {mode:04o})" if mode & _OPEN_TO_OTHERS else None


def _foreign_entry(path: Path) -> str | None:
    """An entry at any depth that other users could have written while they could get to it."""
    for folder, folders, files in os.walk(path, onerror=_raise_unless_gone):
        for name in (*folders, *files):
            entry = Path(folder, name)
            with suppress(FileNotFoundError):  # a worker has ended at this moment
                found = entry.lstat()
                writable = found.st_mode & _WRITABLE_BY_OTHERS
                if found.st_uid != os.geteuid() or (writable and not entry.is_symlink()):
                    return str(entry)
    return None


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _fault_above(path: Path) -> str | None:
    """Walk from the root as the kernel does, and make what is absent.

    Returns:
        Who could put something else in the place of one of the path's components; None for nobody.
    """
    users = {0, os.geteuid(), _ROOT.stat().st_uid}  # who owns the root can do everything anyway
    groups = {0, os.getegid()}
    here, rest, links = _ROOT, list(reversed(path.parts[1:])), 0
    while rest:
        part = rest.pop()
        if part == "..":
            here = here.parent
            continue
        there = here / part
        found = _look_or_make(there, 0o755)
        fault = fault_above(found, users, groups, is_mount=os.path.ismount(there))
        if fault:
            return f"{there} {fault}"
        if not stat.S_ISLNK(found.st_mode):
            here = there
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = here / there.readlink()
        here, rest = _ROOT, [*rest, *reversed(target.parts[1:])]
    return None


def fault_above(
    found: os.stat_result, users: set[int], groups: set[int], *, is_mount: bool
) -> str | None:
    """PURE: why somebody else could replace what lies in a directory, or where a link leads.

    Args:
        found: of the directory or link.
        users: who is trusted.
        groups: whose members are trusted: a user's own group, mostly.
        is_mount: whether something is mounted there. The volumes of Kubernetes are root's, can be
            written to by all, have that mode for good, and are private to their pod.
    """
    if found.st_uid not in users:
        return f"belongs to user {found.st_uid}, who can replace what lies in it"
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & stat.S_ISVTX:
        return None
    by_group = found.st_mode & stat.S_IWGRP and found.st_gid not in groups
    if (by_group or found.st_mode & stat.S_IWOTH) and not (is_mount and found.st_uid == 0):
        mode = stat.S_IMODE(found.st_mode)
        return f"lets other users replace what lies in it (mode {mode:04o}, not sticky)"
    return None
