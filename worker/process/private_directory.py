"""Directories that only this process's user can write to.

numba executes the pickles in its cache, and the processes of a worker trust each other's files. So
no other user may be able to write to these directories or to replace them.
"""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

import psutil

from funasr_fleet.settings import BadConfiguration

RUN_DIR = "FLEET_RUN_DIR"
NUMBA_CACHE_DIR = "NUMBA_CACHE_DIR"

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ROOT = Path("/")
_MAX_LINKS = 40
"""The limit of Linux for one path."""


def claim_run_dir(root: Path) -> Path:
    """Make a directory for this process and its children; remove those of dead workers.

    Raises:
        BadConfiguration: see claim_private.
    """
    claim_private(root)
    for old in root.glob("[0-9]*"):
        if old.name.isdecimal() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    mine = root / str(os.getpid())
    claim_private(mine)
    return mine


def claim_numba_cache(run_dir: Path) -> Path:
    """Make numba's cache directory: NUMBA_CACHE_DIR, or one below run_dir.

    Raises:
        BadConfiguration: see claim_private.
    """
    named = os.environ.get(NUMBA_CACHE_DIR)
    return (
        claim_private(Path(named), NUMBA_CACHE_DIR) if named else claim_private(run_dir / "numba")
    )


def claim_private(path: Path, setting: str = RUN_DIR) -> Path:
    """Create the directory if it does not exist, with mode 0700; return its absolute path.

    A directory of this user that others can only read gets the mode 0700. One that others can write
    to is rejected: they may have written its contents.

    Args:
        path: the directory.
        setting: the setting that names it, for the error message.

    Raises:
        BadConfiguration: another user could write to it or replace it, or it cannot be created.
    """
    path = path.absolute()
    alternative = f"set {setting} to a directory that only this user can write to"
    try:
        if fault := _fault_above(path.parent):
            raise BadConfiguration(f"{fault}; {alternative}")
        if fault := _claim(path):
            remedy = "name a directory below it" if os.path.ismount(path) else "remove it"
            raise BadConfiguration(f"{path} {fault}; {remedy}, or {alternative}")
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be used: {error.strerror}; {alternative}") from None
    return path


def _claim(path: Path) -> str | None:
    """Create the directory or make it private; return why that failed, or None."""
    status = _stat_or_make(path, 0o700)
    if fault := fault_of(status, os.geteuid()):  # before os.open, which rejects links
        return fault
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return fault_of(os.fstat(fd), os.geteuid()) or _restrict(path, fd)
    finally:
        os.close(fd)


def _stat_or_make(path: Path, mode: int) -> os.stat_result:
    with suppress(FileNotFoundError):
        return path.lstat()
    with suppress(FileExistsError):  # another worker has just created it
        path.mkdir(mode)
    return path.lstat()


def fault_of(status: os.stat_result, user: int) -> str | None:
    """PURE: return why a directory is not private to the user; None if only the user can write."""
    if stat.S_ISLNK(status.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a directory"
    if status.st_uid != user:
        return f"belongs to user {status.st_uid}, but this process runs as user {user}"
    if status.st_mode & _WRITABLE_BY_OTHERS:
        return f"can be written to by other users (mode {stat.S_IMODE(status.st_mode):04o})"
    return None


def _restrict(path: Path, fd: int) -> str | None:
    """Remove the permissions of group and others; return why that failed, or None."""
    if not os.fstat(fd).st_mode & _OPEN_TO_OTHERS:
        return None
    foreign = _foreign_entry(path)
    if foreign:
        return f"holds {foreign}, which other users own or can write to"
    os.fchmod(fd, 0o700)
    mode = stat.S_IMODE(os.fstat(fd).st_mode)
    return f"cannot be made private (mode {mode:04o})" if mode & _OPEN_TO_OTHERS else None


def _foreign_entry(path: Path) -> str | None:
    """Return an entry at any depth that other users own or can write to; None without one."""
    for folder, folders, files in os.walk(path, onerror=_raise_unless_gone):
        for name in (*folders, *files):
            entry = Path(folder, name)
            with suppress(FileNotFoundError):  # a worker that exits has just removed it
                status = entry.lstat()
                writable = status.st_mode & _WRITABLE_BY_OTHERS
                if status.st_uid != os.geteuid() or (writable and not entry.is_symlink()):
                    return str(entry)
    return None


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _fault_above(path: Path) -> str | None:
    """Resolve the path from the root as the kernel does; create missing directories.

    Returns:
        A component of the path that another user could replace, with the reason; None without one.
    """
    users = {0, os.geteuid(), _ROOT.stat().st_uid}  # the root's owner can do everything anyway
    groups = {0, os.getegid()}
    here, rest, links = _ROOT, list(reversed(path.parts[1:])), 0
    while rest:
        part = rest.pop()
        if part == "..":
            here = here.parent
            continue
        there = here / part
        status = _stat_or_make(there, 0o755)
        fault = fault_above(status, users, groups, is_mount=os.path.ismount(there))
        if fault:
            return f"{there} {fault}"
        if not stat.S_ISLNK(status.st_mode):
            here = there
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = here / there.readlink()
        here, rest = _ROOT, [*rest, *reversed(target.parts[1:])]
    return None


def fault_above(
    status: os.stat_result, users: set[int], groups: set[int], *, is_mount: bool
) -> str | None:
    """PURE: return why another user could replace a link or a directory's entries, or None.

    Args:
        status: the stat result of the directory or link.
        users: trusted users.
        groups: groups whose members are trusted, usually the user's own group.
        is_mount: whether it is a mount point. Kubernetes volumes belong to root, are writable by
            all, cannot change their mode, and are private to their pod.
    """
    if status.st_uid not in users:
        return f"belongs to user {status.st_uid}, who can replace its contents"
    if not stat.S_ISDIR(status.st_mode) or status.st_mode & stat.S_ISVTX:
        return None
    by_group = status.st_mode & stat.S_IWGRP and status.st_gid not in groups
    if (by_group or status.st_mode & stat.S_IWOTH) and not (is_mount and status.st_uid == 0):
        mode = stat.S_IMODE(status.st_mode)
        return f"lets other users replace its contents (mode {mode:04o}, not sticky)"
    return None
