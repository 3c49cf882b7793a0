"""The parent renews the locks of shards that its children process, and only of those."""

from pathlib import Path

import pytest

from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.parent_context import ActiveShard, ParentContext
from funasr_fleet.worker.process.heartbeat import Heartbeat, progress_path
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState


class Locks:
    """Records the calls to a ShardLock."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def renew(self, identity: str, _owner: str) -> None:
        self.calls.append(("renew", identity))

    def release(self, identity: str, _owner: str) -> None:
        self.calls.append(("release", identity))


@pytest.mark.parametrize(("attempt", "is_over"), [("x", False), ("y", True), (None, True)])
def test_the_lock_of_a_shard_that_ends_during_its_renewal_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempt: str | None, is_over: bool
) -> None:
    context = ParentContext(Settings(), SlotFiles(tmp_path))
    slot, locks = SlotState(slot=0, pid=11, state="ready"), Locks()
    heart = Heartbeat(progress_path(tmp_path, 0), pid=11)
    heart.begin("night-000000", "x")
    progress = context._progress(slot)
    one = ActiveShard(request=None, identity="s", pid=11, slot=slot, progress=progress)
    heart.end()
    if attempt:
        heart.begin("night-000001", attempt)
    monkeypatch.setattr(ParentContext, "shard_lock", locks)
    monkeypatch.setattr(ParentContext, "token", "t")
    monkeypatch.setattr(context, "active_shards", lambda: iter([one]))
    context.renew_locks()
    assert locks.calls == [("renew", "s"), *([("release", "s")] if is_over else [])]
