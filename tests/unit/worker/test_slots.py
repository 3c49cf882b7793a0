"""What the processes of one worker know of each other, and what they conclude."""

import os
from pathlib import Path

import psutil
import pytest

from worker.slots import ConsumerState, SlotFiles, SlotState, State, claim_run_dir


def a_slot(slot: int, state: State = "ready", failures: int = 0, reason: str = "") -> SlotState:
    return SlotState(slot=slot, pid=1, state=state, failures_in_a_row=failures, reason=reason)


@pytest.fixture
def files(tmp_path: Path) -> SlotFiles:
    files = SlotFiles(tmp_path / "run")
    files.start(2)
    return files


def test_what_one_process_writes_another_reads(files: SlotFiles) -> None:
    state = SlotState(
        slot=1, pid=77, state="ready", device="cuda:0", device_uuid="GPU-a", memory={"used": 5}
    )
    files.write(state)
    read = SlotFiles(files.directory).read(1)
    assert read is not None
    assert (read.pid, read.state, read.device, read.memory) == (77, "ready", "cuda:0", {"used": 5})


def test_a_slot_that_has_said_nothing_is_not_there(files: SlotFiles) -> None:
    files.write(a_slot(1))
    assert files.read(0) is None
    assert [state.slot for state in files.all()] == [1]


def test_a_later_word_replaces_the_earlier_and_leaves_no_draft(files: SlotFiles) -> None:
    files.write(a_slot(0, "loading"))
    files.write(a_slot(0, "ready"))
    assert [state.state for state in files.all()] == ["ready"]
    assert sorted(path.name for path in files.directory.iterdir()) == ["slot0.json", "worker.json"]


def test_a_new_worker_forgets_the_one_before(files: SlotFiles) -> None:
    files.write(a_slot(0))
    files.write(a_slot(1))
    files.start(3)
    assert files.all() == []
    assert files.expected() == 3


def test_before_the_worker_has_started_no_child_is_expected(tmp_path: Path) -> None:
    assert SlotFiles(tmp_path / "nowhere").expected() == 0
    assert SlotFiles(tmp_path / "nowhere").all() == []


def test_each_start_of_a_worker_has_a_name_of_its_own(files: SlotFiles) -> None:
    before = files.token()
    files.start(2)
    assert len(before) == 16
    assert files.token() != before


def test_a_worker_drains_until_another_starts(files: SlotFiles) -> None:
    assert not files.draining()
    files.say_draining()
    assert SlotFiles(files.directory).draining()
    files.start(2)
    assert not files.draining()


def test_the_loop_s_last_word_is_read_by_others(files: SlotFiles) -> None:
    assert files.consumer() is None
    said = ConsumerState(consuming=True, since_s=1.5, at_s=7.0)
    files.say_consumer(said)
    assert SlotFiles(files.directory).consumer() == said


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The processes that live; this one does."""
    living = {os.getpid(), 111}
    monkeypatch.setattr(psutil, "pid_exists", living.__contains__)
    return living


@pytest.mark.usefixtures("alive")
def test_directories_of_dead_workers_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    for pid in (111, 222):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "slot0.json").write_text("{}")
    mine = claim_run_dir(tmp_path)
    assert mine == tmp_path / str(os.getpid())
    assert {path.name for path in tmp_path.iterdir()} == {"111", str(os.getpid())}


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("name", ["2026-11-22", "notes", "7up"])
def test_what_is_no_worker_s_directory_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    claim_run_dir(tmp_path)
    assert (tmp_path / name).is_dir()


def test_claiming_twice_keeps_what_is_there(tmp_path: Path) -> None:
    mine = claim_run_dir(tmp_path / "deep" / "root")
    (mine / "slot0.json").write_text("{}")
    assert claim_run_dir(tmp_path / "deep" / "root") == mine
    assert (mine / "slot0.json").exists()
