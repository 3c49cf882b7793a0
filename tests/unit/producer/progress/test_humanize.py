"""Human-readable numbers and times, and the JSON document of `fleet status`."""

import json

import pytest

from funasr_fleet.producer.progress.humanize import compact, decimal, hours, percent, span
from tests.support.examples import BEGUN, counted, status_of, steady


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
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0042, "0.0042"), (1.234, "1.23"), (12.34, "12.3"), (1234.6, "1,235")],
)
def test_a_number_has_three_significant_digits(value: float, text: str) -> None:
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 h"), (0.01, "36 s"), (0.75, "45 min"), (1.5, "1.50 h")]
)
def test_durations_below_an_hour_are_in_minutes(value: float, text: str) -> None:
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
def test_large_numbers_are_abbreviated(value: float, text: str) -> None:
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
def test_a_percentage_is_0_or_100_only_when_exact(part: float, whole: float, text: str) -> None:
    assert percent(part, whole) == text


@pytest.mark.parametrize(("files", "ok", "waiting"), [(5, 2, 3), (5, 5, 0), (0, 1, 0)])
def test_files_without_an_outcome_are_waiting(files: int, ok: int, waiting: int) -> None:
    assert status_of(counted({"ok": ok}, files=files)).waiting == waiting


def test_files_of_a_cancelled_job_are_not_waiting() -> None:
    assert status_of(counted({"ok": 1}, files=9, cancelled_at=BEGUN)).waiting == 0


def test_the_json_document_has_progress_cost_and_workers() -> None:
    counts = counted({"ok": 2}, files=5, audio_ms=7_200_000)
    status = status_of(counts, steady(10, 1, 720_000), gpu_hour_price=2.0)
    document = json.loads(json.dumps(status.to_json()))
    assert (document["job"], document["files"], document["waiting"]) == ("night", 5, 3)
    assert (document["complete"], document["outcomes"]["ok"]) == (False, 2)
    assert (document["ready_messages"], document["unacked_messages"]) == (2, 1)
    assert (document["created_at"], document["closed_at"]) == (BEGUN, None)
    assert (document["state"], document["done"], document["audio_hours"]) == ("running", 2, 2)
    assert document["eta_basis"] == "audio since the start"
    assert document["throughput_now"]["audio_hours_per_hour"] == pytest.approx(12)
    assert (document["cost_so_far"], document["workers"]) == (0, [])
