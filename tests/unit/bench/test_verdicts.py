"""When a benchmark calls its runs steady, flat or linear, and the chart of growth."""

from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from bench.chart import draw
from bench.endurance import EnduranceResult, Moment
from bench.scaling import growth_of
from bench.soak import Run, SoakResult


def a_series(
    seconds: Sequence[float], threads: int = 2, mebibytes: Sequence[int] = (800,)
) -> list[Run]:
    memory = [*mebibytes, *[mebibytes[-1]] * len(seconds)]
    return [
        Run(
            seconds=one,
            rtfx=100.0,
            device="cpu",
            threads_before=threads,
            threads_after=threads,
            resident_bytes=memory[at] << 20,
            peak_resident_bytes=memory[at] << 20,
        )
        for at, one in enumerate(seconds)
    ]


def soaked(*series: list[Run]) -> SoakResult:
    return SoakResult(minutes=60, series=list(series), machine={})


STEADY, NOISY = a_series([9, 4, 4.5, 5]), a_series([6, 4, 4.1, 7])


@pytest.mark.parametrize(
    ("series", "steady"),
    [
        ([STEADY], True),
        ([NOISY], False),
        ([NOISY, a_series([4, 4.5, 5, 4])], True),
        ([NOISY, NOISY, NOISY], False),
        ([a_series([2, 2, 20, 20])], False),
        ([a_series([2, 2, 20, 20]), a_series([20, 20, 20, 20])], False),
        ([NOISY, a_series([4, 4, 4, 4], threads=72)], False),
        ([a_series([4, 4, 7, 4], threads=72), STEADY], False),
        ([NOISY, a_series([4, 4, 4, 4], mebibytes=[800, 900, 1000])], False),
        ([a_series([4, 4, 4], mebibytes=[800, 900, 900])], True),
        ([a_series([4, 4, 4], mebibytes=[800, 900, 1000])], False),
    ],
)
def test_runs_that_get_slower_larger_or_use_more_threads_are_not_steady(
    series: list[list[Run]], *, steady: bool
) -> None:
    assert soaked(*series).steady is steady
    assert f'"steady": {str(steady).lower()}' in soaked(*series).to_json()


def test_the_text_lists_every_run_and_the_verdict() -> None:
    text = soaked(NOISY, STEADY).to_text()
    assert len(text.splitlines()) == 10
    assert "slower than the first series x1.00" in text


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
        ([800, 800, 800, 800, 800, 800, 960, 800], True),  # a single high round is not a trend
        ([700, 740, 780, 820, 860, 900, 940, 980], False),
    ],
)
def test_memory_that_keeps_growing_is_not_flat(child: list[int], *, flat: bool) -> None:
    assert endured(child).flat is flat
    assert f'"flat": {str(flat).lower()}' in endured(child).to_json()


def test_a_growing_parent_or_changing_thread_counts_are_not_flat() -> None:
    steady = endured([800] * 8)
    growing = [
        Moment(at_s=n, files=9, seconds=1, child_mib=800, parent_mib=60 + 5 * n, threads=2)
        for n in range(8)
    ]
    wild = [*steady.moments[:-1], *endured([800], threads=72).moments]
    for moments in (growing, wild):
        assert not EnduranceResult(minutes=30, files=72, moments=moments, machine={}).flat


def test_points_on_a_line_are_fitted_exactly() -> None:
    growth = growth_of("files", (10, 20, 40), [(3.0, 5.0, 9.0), (9.0, 9.0, 9.5)])
    assert growth.seconds == [3.0, 5.0, 9.0]
    assert (growth.fit.fixed_s, growth.fit.seconds_each) == (1.0, 0.2)
    assert growth.fit.r_squared == 1.0


def test_superlinear_growth_is_not_fitted_as_a_line() -> None:
    sizes = (1, 2, 4, 8, 16)
    growth = growth_of("minutes", sizes, [[size**2 / 10 for size in sizes]])
    assert growth.fit.r_squared < 0.97


def test_the_picture_holds_every_point_and_both_titles() -> None:
    growth = growth_of("files", (10, 20, 40), [(3.0, 5.0, 9.0)])
    picture = ElementTree.fromstring(draw([growth, growth]))  # noqa: S314 - our own
    circles = [one for one in picture.iter() if one.tag.endswith("circle")]
    assert len(circles) == 6
    texts = [one.text or "" for one in picture.iter() if one.tag.endswith("text")]
    assert sum("1.00 s + 0.200 s each" in text for text in texts) == 2
    heights = [float(one.attrib["cy"]) for one in circles[:3]]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == pytest.approx(heights[2] + (9 - 3) / 9 * (260 - 2 * 52), abs=0.1)
