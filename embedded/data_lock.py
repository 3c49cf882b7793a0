"""The lock of a data folder: at most one embedded stack uses it at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from funasr_fleet.settings import BadConfiguration


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Lock a data folder; it is created if necessary.

    Yields:
        The descriptor that holds the lock. The folder stays locked until every process that
        inherited the descriptor has exited. Servers may run for some seconds after their owner was
        killed; the folder is locked until they have exited.

    Raises:
        BadConfiguration: the folder is in use, or cannot be created or locked.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadConfiguration(f"the folder {folder} cannot be used: {error.strerror}") from None
    try:
        _acquire(lock, folder)
        yield lock
    finally:
        os.close(lock)


def _acquire(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadConfiguration(
            f"another `fleet up` or `fleet demo` is using {folder}: stop it, or choose another "
            "folder"
        ) from None
    except OSError as error:  # some network file systems do not support locks
        raise BadConfiguration(
            f"the folder {folder} cannot be locked: {error.strerror}; choose one on a local disk"
        ) from None
