"""Batches: every clip once, and never more padded samples than the budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.text.batching import padding_ratio, plan_batches

LENGTHS = st.lists(st.integers(0, 1000), max_size=80)
BUDGETS = st.integers(1, 3000)


@given(LENGTHS, BUDGETS)
def test_every_clip_is_in_exactly_one_batch(lengths: list[int], budget: int) -> None:
    planned = [index for batch in plan_batches(lengths, lambda: budget) for index in batch]
    assert sorted(planned) == list(range(len(lengths)))


@given(LENGTHS, BUDGETS)
def test_the_budget_is_passed_only_by_a_clip_that_is_longer_itself(
    lengths: list[int], budget: int
) -> None:
    for batch in plan_batches(lengths, lambda: budget):
        cost = max(lengths[index] for index in batch) * len(batch)
        assert cost <= budget or len(batch) == 1


@given(LENGTHS, BUDGETS)
def test_clips_of_similar_length_go_together(lengths: list[int], budget: int) -> None:
    planned = [lengths[index] for batch in plan_batches(lengths, lambda: budget) for index in batch]
    assert planned == sorted(lengths)


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


@given(st.lists(st.integers(1, 1000), min_size=1))
def test_the_ratio_lies_between_no_padding_and_nothing_else(lengths: list[int]) -> None:
    assert 0 <= padding_ratio(lengths) < 1


def test_the_budget_is_asked_for_again_as_batches_are_taken() -> None:
    budget, sizes = [4], []
    for batch in plan_batches([1] * 10, lambda: budget[0]):
        sizes.append(len(batch))
        budget[0] = 2
    assert sizes == [4, 2, 2, 2]
