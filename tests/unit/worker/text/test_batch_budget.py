"""The budget of a batch: down at once, up slowly, never over what was asked for."""

from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.text.batch_budget import CALM_BATCHES, LEAST_S, Budget, affordable_seconds
from funasr_fleet.worker.text.batch_window import MOST_S


def after(budget: Budget, batches: int) -> Budget:
    for _ in range(batches):
        budget = budget.eased()
    return budget


def test_memory_that_ran_out_halves_it() -> None:
    assert Budget(seconds=60, most_s=60).halved().seconds == 30


def test_it_grows_back_after_many_batches_that_fitted() -> None:
    small = Budget(seconds=60, most_s=60).halved()
    assert after(small, CALM_BATCHES - 1).seconds == 30
    assert after(small, CALM_BATCHES).seconds > 30
    assert after(small, 10 * CALM_BATCHES).seconds == 60


def test_running_out_again_begins_the_wait_anew() -> None:
    nearly = after(Budget(seconds=30, most_s=60), CALM_BATCHES - 1)
    assert after(nearly.halved(), CALM_BATCHES - 1).seconds == 15


@given(st.floats(0.1, 1000), st.lists(st.booleans()))
def test_it_stays_between_its_bounds(most_s: float, fits: list[bool]) -> None:
    budget = Budget(seconds=most_s, most_s=most_s)
    for fit in fits:
        budget = budget.eased() if fit else budget.halved()
        assert min(LEAST_S, most_s) <= budget.seconds <= most_s
    assert budget.exhausted == (budget.seconds <= min(LEAST_S, most_s))


def test_half_of_the_free_memory_is_filled_and_never_more_than_helps() -> None:
    assert affordable_seconds(8_000, 10) == 400
    assert affordable_seconds(8_000_000, 10) == MOST_S
    assert affordable_seconds(8, 10) == LEAST_S
    assert affordable_seconds(8_000, 0) == MOST_S
