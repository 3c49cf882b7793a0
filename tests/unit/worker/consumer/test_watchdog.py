"""What the parent knows about messages and children, and which children it kills."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from billiard.exceptions import WorkerLostError
from celery.worker import state as celery_state
from celery.worker.consumer.consumer import Evloop

from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.parent_context import ParentContext, identity_in
from funasr_fleet.worker.consumer.request import _describe_exit
from funasr_fleet.worker.consumer.unstarted import UnstartedMessages
from funasr_fleet.worker.consumer.watchdog import START_WITHIN_S, StallWatch
from funasr_fleet.worker.process.heartbeat import Heartbeat, progress_path
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState
from tests.support.examples import OUTPUT, a_shard


@dataclass(eq=False)
class Request:
    """The attributes of Celery's request that the parent reads."""

    tag: str
    worker_pid: int | None = None
    args: tuple[Any, ...] = ()

    @property
    def message(self) -> SimpleNamespace:
        return SimpleNamespace(delivery_tag=self.tag)


def a_consumer() -> SimpleNamespace:
    """Celery's consumer with an empty pool."""
    pool = SimpleNamespace(
        _pool=[],
        _cache={},
        outbound_buffer=(),
        _all_inqueues=set(),
        _busy_workers=set(),
        _active_writes=set(),
        _fileno_to_outq={},
    )
    return SimpleNamespace(
        pool=SimpleNamespace(_pool=pool),
        controller=SimpleNamespace(semaphore=None),
        hub=SimpleNamespace(readers={}),
    )


@dataclass
class Watched:
    """A StallWatch and two ready children with the pids 11 and 12."""

    directory: Path
    watch: StallWatch
    killed: list[int]
    now_s: list[float]
    hearts: dict[int, Heartbeat] = field(default_factory=dict)

    def look(self, seconds: float) -> None:
        """Tick at the watch's interval for this long."""
        for _ in range(round(seconds)):
            self.now_s[0] += self.watch.every_s
            self.watch.tick(a_consumer())

    def at_work(self, pid: int) -> None:
        """Let the child begin a shard."""
        path = progress_path(self.directory, pid - 11)
        self.hearts[pid] = Heartbeat(path, lambda: self.now_s[0], pid)
        self.hearts[pid].begin("night-000000", "x")


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    now_s, killed = [1000.0], list[int]()
    context = ParentContext(Settings(), SlotFiles(tmp_path), clock=lambda: now_s[0])
    states = [SlotState(slot=pid - 11, pid=pid, state="ready") for pid in (11, 12)]
    monkeypatch.setattr(ParentContext, "states", lambda _: states)

    def kill(pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        killed.append(pid)

    monkeypatch.setattr("os.kill", kill)
    for name in ("reserved_requests", "active_requests"):
        monkeypatch.setattr(celery_state, name, set())

    class Watch(StallWatch):
        parent_context = context

    return Watched(tmp_path, Watch(cast(Any, None)), killed, now_s)


def reserve(tag: str, worker_pid: int | None = None) -> None:
    request = Request(tag, worker_pid)
    celery_state.reserved_requests.add(request)
    if worker_pid:
        celery_state.active_requests.add(request)


def test_idle_children_are_killed_once_for_each_delivery(watched: Watched) -> None:
    reserve("a")
    watched.look(START_WITHIN_S)
    assert watched.killed == []
    watched.look(60)
    assert sorted(watched.killed) == [11, 12]


def test_another_late_message_kills_the_replacements(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve("a")
    watched.look(START_WITHIN_S + 5)
    states = [SlotState(slot=0, pid=21, state="ready")]
    monkeypatch.setattr(ParentContext, "states", lambda _: states)
    watched.look(60)
    assert 21 not in watched.killed
    reserve("b")
    watched.look(START_WITHIN_S + 5)
    assert 21 in watched.killed


def test_a_child_with_a_message_is_spared(watched: Watched) -> None:
    reserve("a", worker_pid=11)
    reserve("b")
    watched.look(START_WITHIN_S + 5)
    assert watched.killed == [12]


def test_a_child_at_work_on_a_message_that_celery_forgot_is_spared(watched: Watched) -> None:
    watched.at_work(11)
    watched.at_work(12)
    reserve("a")
    watched.look(START_WITHIN_S + 5)
    assert watched.killed == []


def test_a_hanging_child_is_killed(watched: Watched) -> None:
    watched.at_work(11)
    watched.look(Settings().stall_s + 2)
    assert watched.killed == [11]


def test_pipes_of_killed_children_are_removed_before_registration(watched: Watched) -> None:
    consumer, child = a_consumer(), SimpleNamespace(pid=11)
    consumer.timer = SimpleNamespace(call_repeatedly=lambda *_: None)
    pool = consumer.pool._pool
    pool._pool.append(child)
    pool._fileno_to_outq.update({8: SimpleNamespace(pid=10), 11: child})
    watched.watch.start(consumer)
    assert pool._fileno_to_outq == {11: child}
    assert Evloop.last  # registers the remaining pipes


def looked(*looks: tuple[set[str], int]) -> UnstartedMessages:
    unstarted = UnstartedMessages()
    for waiting, idle in looks:
        unstarted.update(waiting, idle, 1.0)
    return unstarted


def test_a_message_that_was_just_reserved_has_not_waited() -> None:
    assert looked(({"a"}, 1)).longest_s == 0


def test_waiting_beside_an_idle_child_adds_up() -> None:
    unstarted = looked(*[({"a"}, 1)] * 4, ({"a", "b"}, 1))
    assert unstarted.longest_s == 4
    assert unstarted.longer_than(3.5) == {"a"}
    assert unstarted.longer_than(4) == set()


def test_waiting_for_a_busy_child_does_not_count() -> None:
    assert looked(({"a"}, 0), ({"a"}, 0), ({"a"}, -1)).longest_s == 0
    assert looked(({"a"}, 1), ({"a"}, -1), ({"a"}, 1), ({"a"}, 1)).longest_s == 2


def test_a_child_that_is_replaced_does_not_hide_the_message() -> None:
    unstarted = looked(*[({"a"}, 1)] * 4, ({"a"}, 0))
    assert unstarted.longest_s == 3
    unstarted.update({"a"}, 1, 1.0)
    assert unstarted.longest_s == 4


def test_a_message_that_was_started_is_forgotten() -> None:
    assert looked(({"a"}, 1), ({"a"}, 1), (set(), 1), ({"a"}, 1)).longest_s == 0


def test_a_new_connection_resets_the_waiting_times() -> None:
    unstarted = looked(*[({"a"}, 1)] * 9)
    unstarted.clear()
    assert (unstarted.longest_s, unstarted.longer_than(0)) == (0, set())


SHARD = a_shard("s3://in/a.wav").to_message()


@pytest.mark.parametrize(
    ("arguments", "identity"),
    [
        ([SHARD], OUTPUT + "\0night-000000"),
        ((SHARD,), OUTPUT + "\0night-000000"),
        ([], None),
        (None, None),
        (["text"], None),
        ([{}], None),
        ([{"shard": "s"}], None),
        ([{"shard": 7, "output": OUTPUT}], None),
        ([{"shard": "\ud800", "output": OUTPUT}], None),
        ([{"shard": "s\0t", "output": OUTPUT}], OUTPUT + "\0s\0t"),
        ([{"shard": "s", "output": OUTPUT + "\0"}], None),
        ([{"shard": "s" * 1601, "output": OUTPUT}], None),
        ({"shard": "s"}, None),
    ],
)
def test_a_shard_is_identified_by_output_and_name(arguments: Any, identity: str | None) -> None:
    assert identity_in(SimpleNamespace(args=arguments)) == identity


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 3."), "signal 9"),
        (WorkerLostError("Worker exited prematurely: exitcode 1 Job: 0."), "exitcode 1"),
        (WorkerLostError(""), "WorkerLostError"),
        (SystemExit(), "SystemExit"),
    ],
)
def test_the_exit_of_a_child_is_described_without_celery_job_numbers(
    error: BaseException, told: str
) -> None:
    said = _describe_exit(error)
    assert said.startswith(told)
    assert "Job" not in said
