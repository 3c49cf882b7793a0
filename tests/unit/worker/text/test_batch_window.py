"""Groups: everything once and in order, small at first, bounded later."""

from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.text.batch_window import in_groups


@given(st.lists(st.floats(0, 60)), st.floats(0.1, 100), st.floats(0.1, 500))
def test_everything_comes_once_and_in_order(
    seconds: list[float], first_s: float, more_s: float
) -> None:
    things = list(enumerate(seconds))
    groups = list(in_groups(things, lambda one: one[1], first_s, first_s + more_s))
    assert [one for group in groups for one in group] == things
    for group in groups:
        assert sum(length for _, length in group[:-1]) < first_s + more_s


def test_each_group_is_twice_as_large_as_the_one_before_up_to_the_largest() -> None:
    groups = list(in_groups([1.0] * 30, float, first_s=2, most_s=9))
    assert [len(group) for group in groups] == [2, 4, 8, 9, 7]


def test_what_adds_nothing_goes_with_its_neighbours() -> None:
    assert list(in_groups([0.0, 0.0, 5.0, 0.0], float, first_s=3)) == [[0.0, 0.0, 5.0], [0.0]]


def test_nothing_makes_no_group() -> None:
    assert not list(in_groups([], float))
