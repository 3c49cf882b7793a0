"""What the processes of one worker know of each other, and what they conclude."""

from pathlib import Path

import pytest

from funasr_fleet.worker.process.slot_state import ConsumerState, SlotFiles, SlotState, State


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
    files.mark_draining()
    assert SlotFiles(files.directory).draining()
    files.start(2)
    assert not files.draining()


def test_the_loop_s_last_word_is_read_by_others(files: SlotFiles) -> None:
    assert files.consumer() is None
    said = ConsumerState(consuming=True, since_s=1.5, at_s=7.0)
    files.write_consumer_state(said)
    assert SlotFiles(files.directory).consumer() == said
