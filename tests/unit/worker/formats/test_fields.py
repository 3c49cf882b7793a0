"""Milliseconds as clock time, to the millisecond."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.formats.fields import clock_time


@given(st.integers(0, 400 * 3_600_000), st.sampled_from([",", "."]))
def test_a_time_reads_back_exactly(ms: int, separator: str) -> None:
    match = re.fullmatch(r"(\d{2,}):([0-5]\d):([0-5]\d)([,.])(\d{3})", clock_time(ms, separator))
    assert match
    hours, minutes, seconds, mark, millis = match.groups()
    whole_s = 3600 * int(hours) + 60 * int(minutes) + int(seconds)
    assert (1000 * whole_s + int(millis), mark) == (ms, separator)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "00:00:00,000"),
        (999, "00:00:00,999"),
        (59_999, "00:00:59,999"),
        (1_234_567, "00:20:34,567"),
        (3_600_000, "01:00:00,000"),
        (359_999_999, "99:59:59,999"),
        (360_000_000, "100:00:00,000"),
    ],
)
def test_times_as_people_read_them(ms: int, text: str) -> None:
    assert clock_time(ms, ",") == text


@given(st.integers(0, 99 * 3_600_000), st.integers(0, 99 * 3_600_000))
def test_below_a_hundred_hours_later_times_sort_later(one: int, other: int) -> None:
    assert (clock_time(one, ".") < clock_time(other, ".")) == (one < other)
