"""PURE: what /healthz and /readyz say of a worker."""

from collections.abc import Sequence
from dataclasses import dataclass

from contract.queues import MODEL_LOAD_LIMIT_S
from worker.progress import Patience, Progress, why_stopped
from worker.slots import ConsumerState, SlotState

MAX_FAILURES = 3
"""Children of one slot that may fail to load their model in a row."""

MAX_DEATHS = 12
"""Children of one slot that may end in a row without having ended a shard: several poison files,
each of which may take down FLEET_MAX_ATTEMPTS children, are no fault of the worker."""

_LOOP_STUCK_S = 120.0
"""The parent's loop says every second that it turns; a broker that hangs holds it up for 30 s."""

_LATE_S = 60.0
"""A child that hangs is killed at once; so much later it must be gone."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """All that its processes said of themselves."""

    expected: int
    """How many children there should be; 0 before the worker has started."""
    states: Sequence[SlotState]
    consumer: ConsumerState | None
    progress: Sequence[Progress | None]
    """Of the children that have a shard."""


def loads_too_long(state: SlotState, now_s: float) -> bool:
    """Whether a child hangs before it has its models."""
    return state.state == "loading" and now_s - state.loading_since_s > MODEL_LOAD_LIMIT_S


def hopeless(states: Sequence[SlotState]) -> SlotState | None:
    """The first slot whose children failed too often in a row."""
    return next((state for state in states if state.failures_in_a_row >= MAX_FAILURES), None)


def why_stuck(worker: Worker, now_s: float, patience: Patience) -> str | None:
    """Why the worker can make no progress; None while it can.

    A broker that is away is no reason: the worker waits, and to start it anew would not help.
    """
    if slot := hopeless(worker.states):
        return f"slot {slot.slot} cannot start: {slot.reason}"
    for state in worker.states:
        if loads_too_long(state, now_s - _LATE_S):
            return f"slot {state.slot} has been loading its models for {MODEL_LOAD_LIMIT_S:.0f} s"
        if state.deaths_in_a_row >= MAX_DEATHS:
            return f"slot {state.slot}: {state.deaths_in_a_row} children died one after the other"
    consumer = worker.consumer
    if consumer is None or not consumer.consuming:
        return None
    if now_s - consumer.at_s > _LOOP_STUCK_S:
        return f"the consumer's loop has stood still for {now_s - consumer.at_s:.0f} s"
    if consumer.unstarted_s > patience.stall_s:
        waited_s = consumer.unstarted_s
        return f"a reserved message has waited {waited_s:.0f} s beside an idle child"
    late_s = now_s - _LATE_S
    stopped = (why_stopped(one, late_s, consumer.since_s, patience) for one in worker.progress)
    return next(filter(None, stopped), None)


def why_not_ready(worker: Worker) -> str | None:
    """Why the worker cannot take tasks on every device; None when it can."""
    ready = sum(state.state == "ready" for state in worker.states)
    if worker.expected and ready == worker.expected:
        return None
    reasons = "".join(f"; slot {s.slot}: {s.reason}" for s in worker.states if s.reason)
    return f"{ready} of {worker.expected} children are ready{reasons}"
