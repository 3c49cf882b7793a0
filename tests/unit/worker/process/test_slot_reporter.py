"""What a child says of its slot while it works."""

from pathlib import Path

import pytest

from funasr_fleet.worker.events import Event, ShardRequeued, ignore
from funasr_fleet.worker.process.device_plan import SlotPlan
from funasr_fleet.worker.process.slot_reporter import SlotReporter
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState
from tests.support.fake_pipeline import ScriptedEngine
from tests.unit.worker.telemetry.test_counting import a_file

PLAN = SlotPlan(slot=0, device="cpu", visible="", threads=1)


class Growing(ScriptedEngine):
    """Needs more memory with every look."""

    looks = 0

    def memory_bytes(self) -> dict[str, int]:
        self.looks += 1
        return {"allocated": self.looks}


@pytest.fixture
def files(tmp_path: Path) -> SlotFiles:
    files = SlotFiles(tmp_path)
    files.start(1)
    files.write(SlotState(slot=0, pid=1, state="loading", deaths_in_a_row=2))
    return files


def told(files: SlotFiles) -> tuple[int, int]:
    state = files.read(0)
    assert state
    return (state.memory or {})["allocated"], state.deaths_in_a_row


def test_memory_is_told_while_files_end_and_deaths_until_a_shard_does(files: SlotFiles) -> None:
    reporter = SlotReporter.ready(PLAN, None, files, Growing())
    now, heard = 100.0, list[Event]()
    reporter.clock = lambda: now

    def hear(event: Event) -> None:
        heard.append(event)

    observe = reporter.wrap(hear)
    assert told(files) == (1, 2)
    reporter.write()
    observe(a_file())
    observe(ShardRequeued(shard="s"))
    assert told(files) == (2, 2)  # not for every small file
    now += 6
    observe(a_file())
    assert told(files) == (3, 2)
    reporter.shard_ended()
    assert told(files) == (4, 0)
    assert len(heard) == 3


def test_a_device_that_is_lost_fails_no_file(
    files: SlotFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Growing()
    reporter = SlotReporter.ready(PLAN, None, files, engine)

    def lost() -> bool:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(engine, "on_device", lost)
    reporter.wrap(ignore)(a_file())
    reporter.shard_ended()
    assert told(files) == (1, 2)


def test_a_full_disk_fails_no_shard(files: SlotFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = SlotReporter.ready(PLAN, None, files, Growing())

    def full(files: SlotFiles, state: SlotState) -> None:
        raise OSError("no space")

    monkeypatch.setattr(SlotFiles, "write", full)
    reporter.shard_ended()
    assert told(files) == (1, 2)
