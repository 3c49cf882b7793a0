"""Shutdown of a worker after a signal, on a simulated clock."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.worker import state as celery_state

from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer import shutdown as room
from funasr_fleet.worker.consumer.parent_context import ActiveShard, ParentContext
from funasr_fleet.worker.consumer.shutdown import Drain
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState


class FakeContext(ParentContext):
    """A context whose active shards are set by the test."""

    now_s = 100.0

    def __init__(self, run_dir: Path) -> None:
        files = SlotFiles(run_dir)
        files.start(1)
        files.write(SlotState(slot=0, pid=4711, state="ready"))
        super().__init__(Settings(drain_s=30), files, clock=lambda: self.now_s)
        self.active: list[ActiveShard] = []
        self.discarded: list[str | None] = []
        self.alarms: list[int] = []

    def active_shards(self) -> Iterator[ActiveShard]:
        yield from self.active

    def discard_attempt(self, one: ActiveShard) -> None:
        self.discarded.append(one.identity)


class Request:
    """Celery's request of a message that a child processes."""

    requeued_by_parent = acknowledged = False
    id = "message-1"
    connection_errors = (ConnectionError,)

    def __init__(self, broker_is_away: bool = False) -> None:
        self.requeued: list[str] = []

        def requeue_at_head(tag: str) -> None:
            if broker_is_away:
                raise ConnectionError
            self.requeued.append(tag)

        qos = SimpleNamespace(requeue_at_head=requeue_at_head)
        self.message = SimpleNamespace(delivery_tag="tag", channel=SimpleNamespace(qos=qos))


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pids: list[int] = []
    monkeypatch.setattr(room, "kill", pids.append)
    return pids


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: list[int]) -> FakeContext:
    context = FakeContext(tmp_path)
    monkeypatch.setattr(Drain, "parent_context", context, raising=False)
    monkeypatch.setattr(celery_state, "should_stop", None)
    monkeypatch.setattr(celery_state, "should_terminate", None)
    monkeypatch.setattr(signal, "alarm", context.alarms.append)
    return context


@pytest.fixture
def parent() -> SimpleNamespace:
    cancelled: list[str] = []
    consumer = SimpleNamespace(cancel=lambda: cancelled.append("consumer"))
    return SimpleNamespace(task_consumer=consumer, cancelled=cancelled)


def start_shard(context: FakeContext, *, broker_is_away: bool = False) -> Request:
    request = Request(broker_is_away)
    context.active.append(
        ActiveShard(request=request, identity="s3://out/\0s", pid=4711, slot=None, progress=None)
    )
    return request


@pytest.fixture
def step(context: FakeContext, monkeypatch: pytest.MonkeyPatch) -> Drain:
    step = Drain(None)
    monkeypatch.setattr(step, "_consuming", True)
    return step


def test_without_a_signal_work_continues(step: Drain, parent: SimpleNamespace) -> None:
    step.tick(parent)
    assert (parent.cancelled, celery_state.should_terminate) == ([], None)


def test_an_idle_worker_ends_at_once(
    step: Drain, context: FakeContext, parent: SimpleNamespace
) -> None:
    step._on_signal(signal.SIGTERM, None)
    step.tick(parent)
    assert parent.cancelled == ["consumer"]
    assert celery_state.should_terminate == 0
    assert context.slots.draining()


def test_active_shards_may_finish_within_the_drain_time(
    step: Drain, context: FakeContext, parent: SimpleNamespace, killed: list[int]
) -> None:
    request = start_shard(context)
    step._on_signal(signal.SIGTERM, None)
    context.now_s += 29
    step.tick(parent)
    assert (celery_state.should_terminate, killed) == (None, [])
    context.active.clear()
    step.tick(parent)
    assert (celery_state.should_terminate, request.requeued) == (0, [])


@pytest.mark.parametrize("again", [False, True])
def test_shards_are_requeued_after_the_drain_time_or_at_a_second_signal(
    again: bool,
    step: Drain,
    context: FakeContext,
    parent: SimpleNamespace,
    killed: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = start_shard(context)
    step._on_signal(signal.SIGTERM, None)
    step.tick(parent)
    if again:
        step._on_signal(signal.SIGTERM, None)
    else:
        context.now_s += 30
    step.tick(parent)
    assert "requeueing shard s of s3://out/ (drain deadline reached)" in caplog.messages
    assert (killed, context.discarded) == ([4711], ["s3://out/\0s"])
    assert (request.requeued_by_parent, request.requeued, request.acknowledged) == (
        True,
        ["tag"],
        True,
    )
    assert celery_state.should_terminate == 0


def test_a_shard_that_cannot_be_requeued_is_left_to_its_lease(
    step: Drain, context: FakeContext, parent: SimpleNamespace, killed: list[int]
) -> None:
    request = start_shard(context, broker_is_away=True)
    step._on_signal(signal.SIGTERM, None)
    context.now_s += 30
    step.tick(parent)
    assert (killed, request.acknowledged) == ([4711], False)
    assert celery_state.should_terminate == 0


def test_a_worker_without_a_broker_ends(step: Drain, context: FakeContext) -> None:
    step.stop(None)
    assert celery_state.should_stop is None
    step._on_signal(signal.SIGTERM, None)
    assert context.alarms == [45]
    assert celery_state.should_stop == 0
    step._on_signal(signal.SIGTERM, None)
    assert context.alarms == [45, 5]
