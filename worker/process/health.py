"""PURE: the results of a worker's /healthz and /readyz."""

from collections.abc import Sequence
from dataclasses import dataclass

from funasr_fleet.contract.queues import MODEL_LOAD_LIMIT_S
from funasr_fleet.worker.process.heartbeat import Progress, TimeLimits, stall_reason
from funasr_fleet.worker.process.slot_state import ConsumerState, SlotState

MAX_FAILURES = 3
"""Consecutive children of a slot that fail to load their models before the worker shuts down. It
shuts down after the first one if the files of a model are wrong."""

MAX_DEATHS = 12
"""Consecutive children of a slot that exit without a finished shard before the worker is unhealthy.
Several poison files, each of which may crash FLEET_MAX_ATTEMPTS children, must not reach it."""

_LOOP_STUCK_S = 120.0
"""The parent's event loop writes its state every second; a hanging broker blocks it for 30 s."""

_KILL_GRACE_S = 60.0
"""A child that hangs is killed at once; after this time it must be gone."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """The state files of a worker's processes."""

    expected: int
    """Number of children that the worker should have; 0 before it has started."""
    states: Sequence[SlotState]
    consumer: ConsumerState | None
    progress: Sequence[Progress | None]
    """One entry per state; None for a child without a shard."""


def loads_too_long(state: SlotState, now_s: float) -> bool:
    """Whether a child has been loading its models for longer than the limit."""
    return state.state == "loading" and now_s - state.loading_since_s > MODEL_LOAD_LIMIT_S


def first_failed_slot(states: Sequence[SlotState]) -> SlotState | None:
    """Return the first slot whose children cannot load their models: see MAX_FAILURES."""
    return next((s for s in states if s.cannot_start or s.failures_in_a_row >= MAX_FAILURES), None)


def why_stuck(worker: Worker, now_s: float, limits: TimeLimits) -> str | None:
    """Return why the worker cannot make progress; None while it can.

    A broker outage is not a reason: the worker waits, and a restart would not help.
    """
    if slot := first_failed_slot(worker.states):
        return f"slot {slot.slot} cannot start: {slot.reason}"
    for state in worker.states:
        if loads_too_long(state, now_s - _KILL_GRACE_S):
            return f"slot {state.slot} has been loading its models for {MODEL_LOAD_LIMIT_S:.0f} s"
        if state.deaths_in_a_row >= MAX_DEATHS:
            crashes = state.deaths_in_a_row
            return f"slot {state.slot}: {crashes} children in a row exited without a finished shard"
    consumer = worker.consumer
    if consumer is None or not consumer.consuming:
        return None
    if now_s - consumer.at_s > _LOOP_STUCK_S:
        return f"the consumer's event loop has been blocked for {now_s - consumer.at_s:.0f} s"
    if consumer.unstarted_s > limits.stall_s:
        waited_s = consumer.unstarted_s
        return f"a reserved message was not started for {waited_s:.0f} s although a child was idle"
    due_s = now_s - _KILL_GRACE_S
    reasons = (stall_reason(one, due_s, consumer.since_s, limits) for one in worker.progress)
    return next(filter(None, reasons), None)


def postponements(states: Sequence[SlotState]) -> str:
    """Which slots postpone their shards, and why; empty if none does."""
    return "; ".join(
        f"slot {s.slot} postponed its last {_shards(s.postponed_in_a_row)}: {s.postponed_because}"
        for s in states
        if s.postponed_in_a_row
    )


def _shards(number: int) -> str:
    return "shard" if number == 1 else f"{number} shards"


def why_not_ready(worker: Worker) -> str | None:
    """Return why the worker cannot take tasks on every device; None when it can."""
    ready = sum(state.state == "ready" for state in worker.states)
    if worker.expected and ready == worker.expected:
        return None
    reasons = "".join(f"; slot {s.slot}: {s.reason}" for s in worker.states if s.reason)
    return f"{ready} of {worker.expected} children are ready{reasons}"
