"""Charts of the report: minutes grouped into bars, drawn as SVG."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.producer.jobs.report_page.charts import Column, axis, column_chart, strip
from funasr_fleet.producer.jobs.report_page.times import MAX_BARS, bin_minutes


def column(*values: float, tip: str = "") -> Column:
    return Column(parts=tuple(("fill-ok", value) for value in values), tip=tip)


def rectangles(drawing: str) -> list[dict[str, float]]:
    numbers = re.compile(r'(\w+)="([\d.]+)"')
    return [
        {name: float(value) for name, value in numbers.findall(tag)}
        for tag in re.findall(r"<rect [^>]*>", drawing)
    ]


@pytest.mark.parametrize(
    ("highest", "whole", "top", "cuts"),
    [
        (0, False, 1, 4),
        (0, True, 4, 4),
        (3, True, 4, 4),
        (3, False, 3, 3),
        (0.07, False, 0.08, 4),
        (1000, False, 1000, 5),
        (5806, False, 6000, 3),
        (2_818_000, True, 3_000_000, 3),
        (9.9, False, 10, 5),
    ],
)
def test_an_axis_ends_at_a_round_number_above_all(
    highest: float, whole: bool, top: float, cuts: int
) -> None:
    found = axis(highest, whole=whole)
    assert found[0] == pytest.approx(top)
    assert found[1] == cuts


def test_an_axis_of_counts_has_no_fractions() -> None:
    for highest in (*range(1, 200), 999, 1001, 123_456):
        top, cuts = axis(highest, whole=True)
        assert top >= highest
        assert top / cuts == pytest.approx(round(top / cuts))


def test_columns_have_the_height_of_their_values_and_do_not_overlap() -> None:
    low, high = rectangles(column_chart([column(2), column(4)], "n"))
    assert high["height"] == pytest.approx(2 * low["height"], abs=0.2)
    assert low["x"] + low["width"] < high["x"]
    assert low["y"] + low["height"] == pytest.approx(high["y"] + high["height"], abs=0.2)


def test_parts_of_a_column_are_stacked_and_zero_is_not_drawn() -> None:
    lower, upper = rectangles(column_chart([column(3, 0, 1)], "n"))
    assert upper["y"] + upper["height"] == pytest.approx(lower["y"], abs=0.2)


def test_texts_of_a_chart_are_escaped() -> None:
    drawing = column_chart([column(1, tip="<&>")], 'a "name"')
    assert "<title>&lt;&amp;&gt;</title>" in drawing
    assert 'aria-label="a &quot;name&quot;"' in drawing


def test_a_tiny_share_of_a_strip_can_be_seen() -> None:
    most, few = rectangles(strip([("a", 9_999_999, ""), ("b", 0, ""), ("c", 1, "")], "n"))
    assert few["width"] >= 3
    assert most["width"] + few["width"] == pytest.approx(1000, abs=0.2)


BEGUN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def row(minute: int, files: int = 1, failed: int = 0) -> dict[str, Any]:
    at = BEGUN + timedelta(minutes=minute)
    return {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "files": files, "failed": failed, "audio_hours": 0.5}


def test_a_short_job_has_a_bar_for_each_minute() -> None:
    found = bin_minutes([row(0, 3), row(2, 5, 1)])
    assert found.minutes == 1
    assert [(bar.files, bar.failed) for bar in found.bars] == [(3, 0), (0, 0), (5, 1)]
    assert found.bars[2].at == BEGUN + timedelta(minutes=2)


def test_bars_begin_at_round_times() -> None:
    found = bin_minutes([row(7), row(7 + 72 * 60)])
    assert found.minutes == 30
    assert found.bars[0].at == BEGUN
    assert found.bars[-1].at == BEGUN + timedelta(hours=72)


def test_no_minutes_make_no_bars() -> None:
    assert bin_minutes([]).bars == ()


@given(st.dictionaries(st.integers(0, 2_000_000), st.integers(1, 1000), min_size=1, max_size=50))
def test_long_jobs_have_a_bounded_number_of_bars_with_the_same_totals(
    minutes: dict[int, int],
) -> None:
    found = bin_minutes([row(minute, minutes[minute]) for minute in sorted(minutes)])
    assert len(found.bars) <= MAX_BARS
    assert sum(bar.files for bar in found.bars) == sum(minutes.values())
    assert sum(bar.audio_hours for bar in found.bars) == pytest.approx(0.5 * len(minutes))
