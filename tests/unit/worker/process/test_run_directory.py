"""Each worker has a directory of its own below the run directory."""

import os
from pathlib import Path

import psutil
import pytest

from funasr_fleet.settings import BadConfiguration
from funasr_fleet.worker.process.private_directory import claim_run_dir


def test_files_of_a_worker_that_had_the_same_process_id_are_not_trusted(tmp_path: Path) -> None:
    mine = tmp_path / str(os.getpid())
    mine.mkdir()
    mine.chmod(0o777)
    with pytest.raises(BadConfiguration, match="can be written to by other users"):
        claim_run_dir(tmp_path)


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The processes that live; this one does."""
    living = {os.getpid(), 111}
    monkeypatch.setattr(psutil, "pid_exists", living.__contains__)
    return living


@pytest.mark.usefixtures("alive")
def test_directories_of_dead_workers_are_deleted(tmp_path: Path) -> None:
    for pid in (111, 222):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "slot0.json").write_text("{}")
    mine = claim_run_dir(tmp_path)
    assert mine == tmp_path / str(os.getpid())
    assert {path.name for path in tmp_path.iterdir()} == {"111", str(os.getpid())}


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("name", ["2026-11-22", "notes", "7up"])
def test_other_directories_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    claim_run_dir(tmp_path)
    assert (tmp_path / name).is_dir()


def test_claiming_twice_keeps_the_files(tmp_path: Path) -> None:
    mine = claim_run_dir(tmp_path / "deep" / "root")
    (mine / "slot0.json").write_text("{}")
    assert claim_run_dir(tmp_path / "deep" / "root") == mine
    assert (mine / "slot0.json").exists()
