"""At most one embedded stack uses a data folder at a time."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from funasr_fleet.embedded.data_lock import locked
from funasr_fleet.embedded.process import GuardedProcess, isolated
from funasr_fleet.settings import BadConfiguration


def test_a_locked_folder_is_refused_by_name_until_it_is_released(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with (
        locked(folder),
        pytest.raises(BadConfiguration, match=f"is using {folder}: "),
        locked(folder),
    ):
        raise AssertionError("locked twice")
    with locked(folder):  # the remaining lock file has no effect
        assert (folder / "lock").exists()


def test_a_folder_stays_locked_until_its_servers_have_exited(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        log = tmp_path / "log"
        server = GuardedProcess(
            ["sleep", "60"], log=log, environment=isolated({}), inherits=(lock,)
        )
    with pytest.raises(BadConfiguration), locked(tmp_path):
        raise AssertionError("the server still uses the folder")
    server.stop()
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_created_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(BadConfiguration, match="cannot be used: Not a directory"),
        locked(tmp_path / "file" / "data"),
    ):
        raise AssertionError("locked")


def test_a_file_system_without_locks_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        pytest.raises(BadConfiguration, match="cannot be locked: No locks available; choose one"),
        locked(tmp_path),
    ):
        raise AssertionError("not locked")
