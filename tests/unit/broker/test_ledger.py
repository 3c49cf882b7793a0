"""The meaning of a job's counts, the wording of Redis errors, and the report of a job."""

import json
from dataclasses import replace
from typing import Any

import pytest
import redis

from funasr_fleet.broker.job_report import quantile, report
from funasr_fleet.broker.ledger import OUTCOMES, JobCounts, reached
from funasr_fleet.broker.ledger.file_warnings import WARNINGS
from funasr_fleet.broker.ledger.latency import LATENCY_BOUNDS_S, latency_bucket
from funasr_fleet.broker.ledger.values import KINDS, Minute, read_counts
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.contract.transcript import Outcome
from tests.support.examples import BEGUN, FIRST_MINUTE, counted, steady


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_outcome_finishes_a_file(name: Outcome) -> None:
    job = counted({name: 2}, files=2)
    assert (job.finished, job.settled, job.complete) == (2, True, name != "cancelled")


@pytest.mark.parametrize(
    ("job", "complete"),
    [
        (counted({"ok": 2}, files=3), False),
        (counted({"ok": 1, "failed": 1, "empty": 1}, files=3), True),
        (counted({"ok": 3}, files=3, published=False), False),
        (counted({}, files=0), True),
    ],
)
def test_a_job_is_complete_when_published_and_nothing_is_waiting(
    job: JobCounts, complete: bool
) -> None:
    assert job.complete is complete


def test_a_job_with_an_incomplete_ledger_is_never_complete() -> None:
    for cancelled_at in (None, 5.0):
        lost = replace(counted({"ok": 2}, files=2), whole=False, cancelled_at=cancelled_at)
        assert not lost.complete
        assert lost.over == (cancelled_at is not None)


UNPUBLISHED = {"created_at": "1.5", "output": "s3://out/", "published": "0"}
PUBLISHED = {**UNPUBLISHED, "published": "1", "files": "3", "windows": "1"}
NOTHING = [0] * (len(OUTCOMES) + len(KINDS) + len(WARNINGS))


@pytest.mark.parametrize(
    ("meta", "windows", "finished", "whole"),
    [
        (UNPUBLISHED, 0, 0, True),
        (PUBLISHED, 1, 0, True),
        (PUBLISHED, 0, 0, False),
        ({**PUBLISHED, "recorded": "2"}, 1, 2, True),
        ({**PUBLISHED, "recorded": "2"}, 1, 1, False),
        ({**UNPUBLISHED, "recorded": "2"}, 0, 1, False),
        ({**UNPUBLISHED, "published": "1", "windows": "0"}, 0, 0, True),
        *(({**PUBLISHED, name: None}, 1, 3, False) for name in ("created_at", "output", "files")),
        ({**PUBLISHED, "published": None}, 1, 3, False),
        ({"audio_ms": "5"}, 0, 3, False),
        ({}, 1, 0, False),
        ({}, 0, 3, False),
    ],
)
def test_a_ledger_is_whole_when_it_has_the_plan_and_every_count(
    meta: dict[str, str | None], windows: int, finished: int, whole: bool
) -> None:
    stored = {name: value for name, value in meta.items() if value is not None}
    found = read_counts("night", stored, [], windows, finished, *NOTHING[1:])
    assert found
    assert found.whole is whole
    assert not (found.complete and not whole)


def test_a_job_of_an_earlier_release_is_whole_by_its_cursor() -> None:
    before = {name: value for name, value in PUBLISHED.items() if name != "windows"}
    for windows in (1, 2):
        found = read_counts("night", {**before, "cursor_window": "1"}, [], windows, 3, *NOTHING[1:])
        assert found
        assert found.complete is (windows == 1)


def test_warnings_are_counted_by_kind_the_most_frequent_first() -> None:
    bits = {**dict.fromkeys(WARNINGS, 0), "repeated_phrase": 1, "audio_damaged": 3}
    found = read_counts("night", {"warned": "4"}, ["1"], 0, *NOTHING[: -len(bits)], *bits.values())
    assert found
    assert list(found.warnings.items()) == [("audio_damaged", 3), ("repeated_phrase", 1)]


def test_warnings_that_redis_has_lost_are_unknown() -> None:
    found = read_counts("night", {"warned": "4"}, ["1"], 0, *NOTHING)
    assert found
    assert found.warnings == {"unknown": 4}


def test_an_empty_ledger_has_no_job() -> None:
    assert read_counts("night", {}, [], 0, *NOTHING) is None
    assert read_counts("night", {}, ["2"], 0, *NOTHING)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (redis.ConnectionError("refused"), "Redis cannot be reached: refused"),
        (redis.TimeoutError("slow"), "Redis cannot be reached: slow"),
        (redis.AuthenticationError("WRONGPASS"), "Redis refused the login: WRONGPASS"),
    ],
)
def test_a_redis_that_does_not_answer_is_an_unavailable_broker(error: Exception, said: str) -> None:
    def call() -> None:
        raise error

    with pytest.raises(BrokerUnavailable, match=said):
        reached(call)


def test_results_of_redis_are_passed_on() -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    assert reached(call, 1, two=2) == ((1,), {"two": 2})


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
