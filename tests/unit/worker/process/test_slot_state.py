"""A worker's run directory, and the states of slots that its processes write there."""

import os
from pathlib import Path

import psutil
import pytest

from funasr_fleet.settings import BadConfiguration
from funasr_fleet.worker.events import (
    Event,
    ShardDeadLettered,
    ShardFinished,
    ShardRequeued,
    ShardRetryScheduled,
    ShardSplit,
    ignore,
)
from funasr_fleet.worker.process.hardware import SlotPlan
from funasr_fleet.worker.process.health import postponements
from funasr_fleet.worker.process.private_directory import claim_run_dir
from funasr_fleet.worker.process.slot_state import (
    ConsumerState,
    SlotFiles,
    SlotReporter,
    SlotState,
    State,
)
from tests.support.examples import a_finished_file
from tests.support.fake_pipeline import ScriptedEngine


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


def test_a_slot_without_a_state_is_absent(files: SlotFiles) -> None:
    files.write(a_slot(1))
    assert files.read(0) is None
    assert [state.slot for state in files.all()] == [1]


def test_a_later_state_replaces_the_earlier_and_leaves_no_temporary_file(files: SlotFiles) -> None:
    files.write(a_slot(0, "loading"))
    files.write(a_slot(0, "ready"))
    assert [state.state for state in files.all()] == ["ready"]
    assert sorted(path.name for path in files.directory.iterdir()) == ["slot0.json", "worker.json"]


def test_a_new_worker_deletes_the_states_of_the_one_before(files: SlotFiles) -> None:
    files.write(a_slot(0))
    files.write(a_slot(1))
    files.start(3)
    assert files.all() == []
    assert files.expected() == 3


def test_before_the_worker_has_started_no_child_is_expected(tmp_path: Path) -> None:
    assert SlotFiles(tmp_path / "nowhere").expected() == 0
    assert SlotFiles(tmp_path / "nowhere").all() == []


def test_each_start_of_a_worker_has_its_own_token(files: SlotFiles) -> None:
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


def test_the_consumer_state_is_read_by_other_processes(files: SlotFiles) -> None:
    assert files.consumer() is None
    said = ConsumerState(consuming=True, since_s=1.5, at_s=7.0)
    files.write_consumer_state(said)
    assert SlotFiles(files.directory).consumer() == said


PLAN = SlotPlan(slot=0, device="cpu", visible="", threads=1)


class Growing(ScriptedEngine):
    """An engine whose memory grows with each reading."""

    looks = 0

    def memory_bytes(self) -> dict[str, int]:
        self.looks += 1
        return {"allocated": self.looks}


@pytest.fixture
def loading(tmp_path: Path) -> SlotFiles:
    loading = SlotFiles(tmp_path)
    loading.start(1)
    loading.write(SlotState(slot=0, pid=1, state="loading", deaths_in_a_row=2))
    return loading


def told(loading: SlotFiles) -> tuple[int, int]:
    state = loading.read(0)
    assert state
    return (state.memory or {})["allocated"], state.deaths_in_a_row


def test_memory_is_reported_as_files_end_and_crashes_until_a_shard_ends(loading: SlotFiles) -> None:
    reporter = SlotReporter.ready(PLAN, None, loading, Growing())
    now, heard = 100.0, list[Event]()
    reporter.clock = lambda: now

    def hear(event: Event) -> None:
        heard.append(event)

    observe = reporter.wrap(hear)
    assert told(loading) == (1, 2)
    reporter.write()
    observe(a_finished_file())
    observe(ShardRequeued(shard="s"))
    assert told(loading) == (2, 2)  # not written after every small file
    now += 6
    observe(a_finished_file())
    assert told(loading) == (3, 2)
    reporter.shard_ended()
    assert told(loading) == (4, 0)
    assert len(heard) == 3


def test_a_device_that_is_lost_fails_no_file(
    loading: SlotFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Growing()
    reporter = SlotReporter.ready(PLAN, None, loading, engine)

    def lost() -> bool:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(engine, "on_device", lost)
    reporter.wrap(ignore)(a_finished_file())
    reporter.shard_ended()
    assert told(loading) == (1, 2)


def test_a_full_disk_fails_no_shard(loading: SlotFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = SlotReporter.ready(PLAN, None, loading, Growing())

    def full(files: SlotFiles, state: SlotState) -> None:
        raise OSError("no space")

    monkeypatch.setattr(SlotFiles, "write", full)
    reporter.shard_ended()
    assert told(loading) == (1, 2)


def test_files_of_a_worker_that_had_the_same_process_id_are_not_trusted(tmp_path: Path) -> None:
    mine = tmp_path / str(os.getpid())
    mine.mkdir()
    mine.chmod(0o777)
    with pytest.raises(BadConfiguration, match="can be written to by other users"):
        claim_run_dir(tmp_path)


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The live processes; this one is among them."""
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


@pytest.mark.parametrize(
    "ending",
    [
        ShardFinished(
            shard="s",
            job=None,
            seconds=1.0,
            busy_ratio=0.5,
            threads_before=1,
            threads_after=1,
            resident_bytes=0,
            peak_resident_bytes=0,
        ),
        ShardDeadLettered(message_id="m", reason="no space (tried 31 times)"),
        ShardSplit(shard="s", files=2, last_death=""),
    ],
    ids=["finished", "dead letter", "split"],
)
def test_postponed_shards_are_reported_until_one_ends(loading: SlotFiles, ending: Event) -> None:
    reporter = SlotReporter.ready(PLAN, None, loading, Growing())
    observe = reporter.wrap(ignore)
    for _ in range(2):
        observe(ShardRetryScheduled(shard="s", kind="disk_full", reason="no space", delay_s=2.0))
    assert postponements(loading.all()) == "slot 0 postponed its last 2 shards: disk_full: no space"
    observe(ending)
    reporter.shard_ended()
    assert postponements(loading.all()) == ""


def test_a_shard_that_waits_for_the_lock_of_its_job_is_not_reported(loading: SlotFiles) -> None:
    observe = SlotReporter.ready(PLAN, None, loading, Growing()).wrap(ignore)
    observe(ShardRetryScheduled(shard="s", kind="job_locked", reason="held", delay_s=2.0))
    assert postponements(loading.all()) == ""
