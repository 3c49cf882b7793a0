"""What the processes of one worker know of each other, and what they conclude."""

import os
from pathlib import Path

import psutil
import pytest

from worker.slots import (
    MAX_FAILURES,
    SlotFiles,
    SlotState,
    State,
    claim_run_dir,
    hopeless,
    why_not_ready,
    why_stuck,
)


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


@pytest.mark.parametrize(
    ("failures", "lost"),
    [([], None), ([0, 0], None), ([MAX_FAILURES - 1], None), ([0, MAX_FAILURES], 1), ([9, 9], 0)],
)
def test_a_slot_is_hopeless_after_too_many_failures_in_a_row(
    failures: list[int], lost: int | None
) -> None:
    states = [a_slot(n, "failed", count) for n, count in enumerate(failures)]
    found = hopeless(states)
    assert (found.slot if found else None) == lost


def test_a_worker_is_stuck_only_when_a_slot_is_hopeless() -> None:
    assert why_stuck([a_slot(0), a_slot(1, "loading"), a_slot(2, "failed", 1)]) is None
    stuck = why_stuck([a_slot(0), a_slot(1, "failed", MAX_FAILURES, "no weights")])
    assert stuck == "slot 1 cannot start: no weights"


@pytest.mark.parametrize(
    ("states", "expected", "said"),
    [
        ([], 0, "0 of 0"),
        ([], 1, "0 of 1"),
        ([a_slot(0)], 2, "1 of 2"),
        ([a_slot(0), a_slot(1, "loading")], 2, "1 of 2"),
        ([a_slot(0), a_slot(1, "failed", 1, "no weights")], 2, "slot 1: no weights"),
        ([a_slot(0)], 1, None),
        ([a_slot(0), a_slot(1)], 2, None),
    ],
)
def test_a_worker_is_ready_when_every_child_is(
    states: list[SlotState], expected: int, said: str | None
) -> None:
    why = why_not_ready(states, expected)
    assert (why is None) if said is None else (said in str(why))


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
