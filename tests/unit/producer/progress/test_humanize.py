"""Numbers and times as people read them."""

import pytest

from funasr_fleet.producer.progress.humanize import compact, decimal, hours, percent, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (86_399, "1 d"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0042, "0.0042"), (1.234, "1.23"), (12.34, "12.3"), (1234.6, "1,235")],
)
def test_a_number_has_three_digits_that_mean_something(value: float, text: str) -> None:
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 h"), (0.01, "36 s"), (0.75, "45 min"), (1.5, "1.50 h")]
)
def test_less_than_an_hour_is_told_in_minutes(value: float, text: str) -> None:
    assert hours(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (9400, "9,400"),
        (12_000, "12 k"),
        (999_600, "1 M"),
        (2_818_000, "2.82 M"),
        (1.23e9, "1,230 M"),
    ],
)
def test_a_large_number_is_short_where_there_is_no_room(value: float, text: str) -> None:
    assert compact(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (9_999_999, 10_000_000, "> 99.9 %"),
        (1, 10_000_000, "< 0.1 %"),
        (1, 8, "12.5 %"),
    ],
)
def test_a_share_is_0_or_100_only_when_it_is_so(part: float, whole: float, text: str) -> None:
    assert percent(part, whole) == text
