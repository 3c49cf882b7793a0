"""What `bench endurance` calls flat."""

import pytest

from bench.endurance import EnduranceResult, Moment


def endured(child: list[int], parent: int = 70, threads: int = 2) -> EnduranceResult:
    moments = [
        Moment(at_s=at, files=9, seconds=1, child_mib=mib, parent_mib=parent, threads=threads)
        for at, mib in enumerate(child)
    ]
    return EnduranceResult(minutes=30, files=9 * len(child), moments=moments, machine={})


@pytest.mark.parametrize(
    ("child", "flat"),
    [
        ([700], True),
        ([700] * 8, True),
        ([500, 700, 800, 800, 800, 800, 800, 800], True),  # the first rounds warm up
        ([800, 800, 800, 800, 800, 800, 960, 800], True),  # one round is no trend
        ([700, 740, 780, 820, 860, 900, 940, 980], False),
    ],
)
def test_memory_that_goes_on_growing_is_not_flat(child: list[int], *, flat: bool) -> None:
    assert endured(child).flat is flat
    assert f'"flat": {str(flat).lower()}' in endured(child).to_json()


def test_a_parent_that_grows_or_threads_that_change_are_not_flat() -> None:
    steady = endured([800] * 8)
    growing = [
        Moment(at_s=n, files=9, seconds=1, child_mib=800, parent_mib=60 + 5 * n, threads=2)
        for n in range(8)
    ]
    wild = [*steady.moments[:-1], *endured([800], threads=72).moments]
    for moments in (growing, wild):
        assert not EnduranceResult(minutes=30, files=72, moments=moments, machine={}).flat
