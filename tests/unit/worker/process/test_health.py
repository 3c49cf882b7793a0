"""The answers of /healthz and /readyz for the reported states of the processes."""

import pytest

from funasr_fleet.worker.process.health import (
    MAX_DEATHS,
    MAX_FAILURES,
    Worker,
    first_failed_slot,
    why_not_ready,
    why_stuck,
)
from funasr_fleet.worker.process.heartbeat import Progress, TimeLimits
from funasr_fleet.worker.process.slot_state import ConsumerState, SlotState, State

PATIENCE = TimeLimits(stall_s=100.0, min_rtfx=1.0)
NOW_S = 10_000.0


def a_slot(slot: int, state: State = "ready", failures: int = 0, reason: str = "") -> SlotState:
    return SlotState(
        slot=slot,
        pid=1,
        state=state,
        failures_in_a_row=failures,
        reason=reason,
        loading_since_s=NOW_S,
    )


def a_worker(
    *states: SlotState,
    consumer: ConsumerState | None = None,
    progress: Progress | None = None,
    expected: int = 1,
) -> Worker:
    return Worker(expected=expected, states=states, consumer=consumer, progress=[progress])


def a_loop(
    *, consuming: bool = True, since_s: float = 0.0, ago_s: float = 0.0, unstarted_s: float = 0.0
) -> ConsumerState:
    return ConsumerState(
        consuming=consuming, since_s=since_s, at_s=NOW_S - ago_s, unstarted_s=unstarted_s
    )


def at_work(quiet_s: float) -> Progress:
    at_s = NOW_S - quiet_s
    return Progress(
        pid=1, attempt_id="b", began_s=at_s, at_s=at_s, time_allowance_s=0.0, doing="vad of a.wav"
    )


@pytest.mark.parametrize(
    ("failures", "lost"),
    [([], None), ([0, 0], None), ([MAX_FAILURES - 1], None), ([0, MAX_FAILURES], 1), ([9, 9], 0)],
)
def test_a_slot_has_failed_after_too_many_failures_in_a_row(
    failures: list[int], lost: int | None
) -> None:
    states = [a_slot(n, "failed", count) for n, count in enumerate(failures)]
    found = first_failed_slot(states)
    assert (found.slot if found else None) == lost


def test_a_slot_whose_model_is_invalid_has_failed_at_once() -> None:
    state = SlotState(slot=0, pid=1, state="failed", failures_in_a_row=1, cannot_start=True)
    assert first_failed_slot([state]) is state


def test_a_worker_is_stuck_when_a_slot_has_failed() -> None:
    going = a_worker(a_slot(0), a_slot(1, "loading"), a_slot(2, "failed", 1))
    assert why_stuck(going, NOW_S, PATIENCE) is None
    stuck = a_worker(a_slot(0), a_slot(1, "failed", MAX_FAILURES, "no weights"))
    assert why_stuck(stuck, NOW_S, PATIENCE) == "slot 1 cannot start: no weights"


@pytest.mark.parametrize(("deaths", "stuck"), [(0, False), (MAX_DEATHS - 1, False), (12, True)])
def test_a_worker_whose_children_exit_in_a_loop_is_stuck(deaths: int, stuck: bool) -> None:
    dying = SlotState(slot=0, pid=1, state="ready", deaths_in_a_row=deaths)
    assert (why_stuck(a_worker(dying), NOW_S, PATIENCE) is not None) is stuck


@pytest.mark.parametrize(("ago_s", "stuck"), [(0, False), (1850, False), (1900, True)])
def test_a_child_that_loads_for_too_long_is_stuck(ago_s: float, stuck: bool) -> None:
    """The parent kills it after half an hour; /healthz allows a little longer."""
    loading = SlotState(slot=0, pid=1, state="loading", loading_since_s=NOW_S - ago_s)
    assert (why_stuck(a_worker(loading), NOW_S, PATIENCE) is not None) is stuck


@pytest.mark.parametrize(
    ("loop", "stuck"),
    [
        (None, False),
        (a_loop(), False),
        (a_loop(ago_s=100), False),
        (a_loop(ago_s=130), True),
        (a_loop(consuming=False, ago_s=9000), False),  # the broker is away
    ],
)
def test_a_blocked_consumer_is_stuck_unless_the_broker_is_away(
    loop: ConsumerState | None, stuck: bool
) -> None:
    why = why_stuck(a_worker(a_slot(0), consumer=loop), NOW_S, PATIENCE)
    assert (why is not None and "blocked for 130 s" in why) is stuck


@pytest.mark.parametrize(
    ("loop", "stuck"),
    [
        (a_loop(unstarted_s=100), False),
        (a_loop(unstarted_s=101), True),
        (a_loop(unstarted_s=101, consuming=False), False),
    ],
)
def test_a_message_that_no_idle_child_starts_is_unhealthy_after_the_stall_limit(
    loop: ConsumerState, stuck: bool
) -> None:
    why = why_stuck(a_worker(a_slot(0), consumer=loop), NOW_S, PATIENCE)
    assert (why is not None and "although a child was idle" in why) is stuck


@pytest.mark.parametrize(
    ("quiet_s", "loop", "stuck"),
    [
        (150.0, a_loop(), False),  # the parent is about to kill it
        (170.0, a_loop(), True),
        (170.0, a_loop(since_s=NOW_S - 20), False),  # the child may have waited for the broker
        (170.0, a_loop(consuming=False), False),
    ],
)
def test_a_shard_without_progress_is_unhealthy_when_its_child_is_not_killed(
    quiet_s: float, loop: ConsumerState, stuck: bool
) -> None:
    worker = a_worker(a_slot(0), consumer=loop, progress=at_work(quiet_s))
    assert (why_stuck(worker, NOW_S, PATIENCE) is not None) is stuck


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
    why = why_not_ready(a_worker(*states, expected=expected))
    assert (why is None) if said is None else (said in str(why))
