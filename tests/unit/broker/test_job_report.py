"""The document that sums a job up."""

import json

import pytest

from funasr_fleet.broker.job_report import quantile, report
from funasr_fleet.broker.ledger.values import LATENCY_BOUNDS_S, Minute, latency_bucket
from tests.support.examples import BEGUN, FIRST_MINUTE, counted, steady

HOUR_MS = 3_600_000


def test_the_report_has_outcomes_throughput_and_speed() -> None:
    counts = counted(
        {"ok": 90, "failed": 4, "skipped": 6},
        audio_ms=90 * HOUR_MS,
        work_ms=HOUR_MS,
        kinds={"poison": 1, "audio_missing": 2},
        closed_at=BEGUN + 1800,
    )
    document = report(counts, steady(30, 3, 3 * HOUR_MS), {3: 94})
    assert json.loads(json.dumps(document)) == document
    assert (document["schema"], document["job"], document["files"]) == (1, "night", 100)
    assert document["created_at"] == "2026-11-18T11:07:00Z"
    assert document["finished_at"] == "2026-11-18T11:37:00Z"
    assert list(document["failures"].items()) == [
        ("audio_missing", 2),
        ("poison", 1),
        ("unknown", 1),
    ]
    assert (document["audio_hours"], document["device_hours"], document["rtfx"]) == (90, 1, 90)
    assert (document["wall_s"], document["audio_hours_per_hour"]) == (1800, 180)
    assert len(document["throughput"]) == 30
    assert document["throughput"][1] == {
        "at": "2026-11-18T11:08:00Z",
        "files": 3,
        "audio_hours": 3,
        "failed": 0,
    }


def test_a_running_job_has_no_end() -> None:
    document = report(counted({"ok": 1}, files=2), steady(1, 1, 1000), {}, now=BEGUN + 90)
    assert document["finished_at"] is None
    assert document["wall_s"] == 90


def test_an_incomplete_ledger_gives_no_end() -> None:
    document = report(counted({"ok": 2}, whole=False), steady(1, 2, 1000), {})
    assert (document["whole"], document["finished_at"]) == (False, None)


@pytest.mark.parametrize(("now", "end_s"), [(None, 120), (BEGUN + 70, 70), (BEGUN + 9000, 120)])
def test_a_missing_end_is_derived_from_the_last_minute(now: float | None, end_s: float) -> None:
    document = report(counted({"ok": 2}), steady(2, 1, 1000), {}, now=now)
    assert document["wall_s"] == end_s
    assert document["finished_at"] is not None


def test_cancelled_files_are_those_that_were_never_started() -> None:
    document = report(counted({"ok": 1}, files=10, cancelled_at=BEGUN + 600), [], {})
    assert document["outcomes"]["cancelled"] == 9
    assert sum(document["outcomes"].values()) == document["files"]
    assert document["finished_at"] == document["cancelled_at"] == "2026-11-18T11:17:00Z"


def test_a_job_without_a_start_time_starts_with_its_first_file() -> None:
    document = report(counted({"ok": 1}, created_at=0.0), steady(1, 1, 60_000), {})
    assert (document["created_at"], document["wall_s"]) == ("2026-11-18T11:07:00Z", 60)


def test_an_empty_job_has_no_speed_and_no_latencies() -> None:
    document = report(counted(), [], {})
    assert (document["wall_s"], document["rtfx"], document["audio_hours_per_hour"]) == (
        0,
        None,
        None,
    )
    assert [document["latency_s"][name] for name in ("p50", "p90", "p99")] == [None] * 3
    assert (document["throughput"], document["failures"]) == ([], {})


def test_latency_buckets_have_bounds_and_are_not_cumulative() -> None:
    buckets = report(counted({"ok": 3}), [], {0: 1, 13: 2})["latency_s"]["buckets"]
    assert [bucket["le"] for bucket in buckets] == [*LATENCY_BOUNDS_S, None]
    assert [bucket["files"] for bucket in buckets] == [1, *[0] * 12, 2]


@pytest.mark.parametrize(
    ("latency", "share", "seconds"),
    [
        ({3: 10}, 0.5, 0.75),
        ({3: 10}, 1.0, 1.0),
        ({0: 10}, 0.5, 0.05),
        ({2: 50, 6: 50}, 0.5, 0.5),
        ({2: 50, 6: 50}, 0.9, 9.0),
        ({2: 0, 6: 4}, 0.01, 5.05),
        ({13: 5}, 0.5, 1000.0),
    ],
)
def test_quantiles_are_interpolated_within_their_bucket(
    latency: dict[int, int], share: float, seconds: float
) -> None:
    assert quantile(latency, share) == pytest.approx(seconds, rel=1e-2)


def test_a_latency_is_in_the_first_bucket_whose_bound_is_not_below_it() -> None:
    for seconds in (0.01, 0.1, 0.3, 7.0, 1000.0):
        bound = LATENCY_BOUNDS_S[latency_bucket(seconds)]
        found = quantile({latency_bucket(seconds): 1}, 1.0)
        assert found == bound >= seconds


def test_minutes_without_a_file_are_left_out() -> None:
    gap = [
        Minute(minute=FIRST_MINUTE, files=1),
        Minute(minute=FIRST_MINUTE + 90, failed=1, files=1),
    ]
    rows = report(counted({"ok": 1, "failed": 1}), gap, {})["throughput"]
    assert [(row["at"], row["failed"]) for row in rows] == [
        ("2026-11-18T11:07:00Z", 0),
        ("2026-11-18T12:37:00Z", 1),
    ]
