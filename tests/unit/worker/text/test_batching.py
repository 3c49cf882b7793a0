"""Groups of clips, batches within a budget, and a budget that shrinks at once and grows slowly."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.text.batching import (
    CALM_BATCHES,
    FIRST_S,
    GROUP_WORK_S,
    LEAST_S,
    MOST_S,
    Budget,
    affordable_seconds,
    group_limit_s,
    in_groups,
    padding_ratio,
    plan_batches,
)

LENGTHS = st.lists(st.integers(0, 1000), max_size=80)
BUDGETS = st.integers(1, 3000)


@given(LENGTHS, BUDGETS)
def test_every_clip_is_in_one_batch_of_similar_lengths_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    batches = list(plan_batches(lengths, lambda: budget))
    planned = [index for batch in batches for index in batch]
    assert sorted(planned) == list(range(len(lengths)))
    assert [lengths[index] for index in planned] == sorted(lengths)
    for batch in batches:
        cost = max(lengths[index] for index in batch) * len(batch)
        assert cost <= budget or len(batch) == 1  # a single clip may exceed the budget
        assert 0 <= padding_ratio([lengths[index] for index in batch]) < 1


@pytest.mark.parametrize(
    ("lengths", "budget", "batches"),
    [
        ([], 10, []),
        ([5, 5], 10, [[0, 1]]),
        ([5, 5, 5], 10, [[0, 1], [2]]),
        ([6, 5], 10, [[1], [0]]),
        ([30, 1, 1], 10, [[1, 2], [0]]),
        ([1] * 9 + [30], 300, [list(range(10))]),
        ([1] * 10 + [30], 300, [list(range(10)), [10]]),
    ],
)
def test_the_clip_that_would_break_the_budget_begins_the_next_batch(
    lengths: list[int], budget: int, batches: list[list[int]]
) -> None:
    assert list(plan_batches(lengths, lambda: budget)) == batches


@pytest.mark.parametrize(
    ("lengths", "ratio"), [([], 0), ([7], 0), ([7, 7], 0), ([5, 10], 0.25), ([0, 0], 0)]
)
def test_the_ratio_is_the_share_of_padding(lengths: list[int], ratio: float) -> None:
    assert padding_ratio(lengths) == pytest.approx(ratio)


def test_the_budget_is_read_again_for_each_batch() -> None:
    budget, sizes = [4], []
    for batch in plan_batches([1] * 10, lambda: budget[0]):
        sizes.append(len(batch))
        budget[0] = 2
    assert sizes == [4, 2, 2, 2]


def after(budget: Budget, batches: int) -> Budget:
    for _ in range(batches):
        budget = budget.eased()
    return budget


def test_out_of_memory_halves_the_budget() -> None:
    assert Budget(seconds=60, most_s=60).halved().seconds == 30


def test_the_budget_grows_back_after_many_batches_that_fit() -> None:
    small = Budget(seconds=60, most_s=60).halved()
    assert after(small, CALM_BATCHES - 1).seconds == 30
    assert after(small, CALM_BATCHES).seconds > 30
    assert after(small, 10 * CALM_BATCHES).seconds == 60


def test_out_of_memory_again_restarts_the_wait() -> None:
    nearly = after(Budget(seconds=30, most_s=60), CALM_BATCHES - 1)
    assert after(nearly.halved(), CALM_BATCHES - 1).seconds == 15


@given(st.floats(0.1, 1000), st.lists(st.booleans()))
def test_the_budget_stays_within_its_bounds(most_s: float, fits: list[bool]) -> None:
    budget = Budget(seconds=most_s, most_s=most_s)
    for fit in fits:
        budget = budget.eased() if fit else budget.halved()
        assert min(LEAST_S, most_s) <= budget.seconds <= most_s
    assert budget.exhausted == (budget.seconds <= min(LEAST_S, most_s))


def test_the_budget_uses_half_of_the_free_memory_up_to_a_maximum() -> None:
    assert affordable_seconds(8_000, 10) == 400
    assert affordable_seconds(8_000_000, 10) == MOST_S
    assert affordable_seconds(8, 10) == LEAST_S
    assert affordable_seconds(8_000, 0) == MOST_S


@given(st.lists(st.floats(0, 60)), st.floats(0.1, 100), st.floats(0.1, 500))
def test_every_item_is_in_one_group_in_order(
    seconds: list[float], first_s: float, more_s: float
) -> None:
    things = list(enumerate(seconds))
    groups = list(in_groups(things, lambda one: one[1], first_s, lambda: first_s + more_s))
    assert [one for group in groups for one in group] == things
    for group in groups:
        assert sum(length for _, length in group[:-1]) < first_s + more_s


def test_each_group_is_twice_as_large_as_the_one_before_up_to_the_largest() -> None:
    groups = list(in_groups([1.0] * 30, float, first_s=2, most_s=lambda: 9))
    assert [len(group) for group in groups] == [2, 4, 8, 9, 7]


def test_an_item_without_length_waits_for_none_after_it() -> None:
    groups = list(in_groups([0.0, 0.0, 1.0, 0.0, 5.0, 0.0], float, first_s=3))
    assert groups == [[0.0], [0.0], [1.0, 0.0, 5.0], [0.0]]


def test_no_items_make_no_group() -> None:
    assert not list(in_groups([], float))


@pytest.mark.parametrize(
    ("speed", "limit_s"),
    [
        (None, FIRST_S),
        (0.0, FIRST_S / 32),
        (0.5, FIRST_S / 8),
        (2.9, FIRST_S / 2),
        (3.0, FIRST_S),
        (5.9, FIRST_S),
        (50, 16 * FIRST_S),
        (179, 32 * FIRST_S),
        (180, MOST_S),
        (100_000, MOST_S),
    ],
)
def test_a_slow_model_gets_small_groups_and_a_fast_one_the_largest(
    speed: float | None, limit_s: float
) -> None:
    assert group_limit_s(speed) == limit_s


@given(st.floats(0.2, 1e6))
def test_a_group_is_recognised_within_its_time(speed: float) -> None:
    limit_s = group_limit_s(speed)
    assert limit_s / speed <= GROUP_WORK_S
    assert limit_s == MOST_S or limit_s > speed * GROUP_WORK_S / 2


def test_the_maximum_of_a_group_is_read_again_for_each_item() -> None:
    most_s = iter([9.0, 9.0, 2.0, 9.0, 9.0, 9.0])
    groups = in_groups([1.0] * 6, float, first_s=30, most_s=lambda: next(most_s))
    assert [len(group) for group in groups] == [3, 3]


def test_a_group_ends_with_an_item_that_arrives_late() -> None:
    now = [0.0]

    def arriving() -> Iterator[float]:
        for at in (0.0, 4.0, 9.9, 10.1, 15.0, 30.0, 31.0):
            now[0] = at
            yield at

    groups = in_groups(arriving(), lambda _: 1.0, collect_s=10, clock=lambda: now[0])
    assert list(groups) == [[0.0, 4.0, 9.9, 10.1], [15.0, 30.0], [31.0]]


def test_a_group_ends_by_time_while_the_next_item_is_not_there() -> None:
    now = [0.0]

    def arriving() -> Iterator[float | None]:
        for at, thing in ((0.0, None), (5.0, 1.0), (6.0, 2.0), (14.9, None), (15.0, None)):
            now[0] = at
            yield thing
        raise AssertionError("the group was not yielded while the next item was not there")

    groups = in_groups(arriving(), float, collect_s=10, clock=lambda: now[0])
    assert next(groups) == [1.0, 2.0]
