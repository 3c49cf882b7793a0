"""Progress, speed and ETA of a job, with their basis, on a simulated clock."""

from typing import Any

import pytest

from funasr_fleet.broker.ledger.values import JobCounts, Minute
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.producer.progress.measuring import Progress, measure
from tests.support.examples import BEGUN, FIRST_MINUTE, counted, steady

HOUR_MS = 3_600_000


def progress(
    counts: JobCounts, minutes: list[Minute] | None = None, after_s: float = 600, **more: Any
) -> Progress:
    workers = more.pop("workers", [])
    return measure(counts, minutes or [], workers, BEGUN + after_s, **more)


def half_done(**fields: Any) -> JobCounts:
    """100 of 200 files in ten minutes, an hour of audio each, with two devices at work."""
    return counted(
        {"ok": 100}, **{"files": 200, "audio_ms": 100 * HOUR_MS, "work_ms": 2 * 600_000, **fields}
    )


STEADY = steady(10, files=10, audio_ms=10 * HOUR_MS)


def test_the_eta_of_a_half_done_steady_job_equals_its_age() -> None:
    found = progress(half_done(), STEADY)
    assert found.eta_s == pytest.approx(600)
    assert found.eta_basis == "audio of the last 5 minutes"
    assert (found.state, found.done, found.waiting, found.fraction) == ("running", 100, 100, 0.5)
    assert (found.audio_hours, found.remaining_audio_hours) == (100, 100)
    for speed in (found.throughput_now, found.throughput_since_start):
        assert speed
        assert speed.audio_hours_per_hour == pytest.approx(600)
        assert speed.files_per_s == pytest.approx(1 / 6)


def test_the_eta_follows_the_speed_of_the_last_minutes() -> None:
    slow_then_fast = STEADY[:5] + [
        Minute(minute=one.minute, files=30, audio_ms=30 * HOUR_MS) for one in STEADY[5:]
    ]
    found = progress(half_done(), slow_then_fast)
    assert found.eta_s == pytest.approx(200)
    assert found.throughput_since_start
    assert found.throughput_since_start.audio_hours_per_hour == pytest.approx(1200)


def test_the_current_minute_does_not_count() -> None:
    begun = Minute(minute=FIRST_MINUTE + 10, files=1, audio_ms=HOUR_MS)
    found = progress(half_done(), [*STEADY, begun], after_s=610)
    assert found.throughput_now
    assert found.throughput_now.audio_hours_per_hour == pytest.approx(600)


def test_a_young_job_is_measured_over_its_age() -> None:
    found = progress(half_done(), STEADY[:2], after_s=125)
    assert found.throughput_now
    assert found.throughput_now.over_s == 120
    assert found.throughput_now.audio_hours_per_hour == pytest.approx(600)


def test_time_before_the_first_finished_file_does_not_count() -> None:
    late = [Minute(minute=one.minute + 60, files=10, audio_ms=10 * HOUR_MS) for one in STEADY]
    found = progress(half_done(), late, after_s=3600 + 600)
    assert found.throughput_since_start
    assert found.throughput_since_start.over_s == 600


def _minute(at: int, files: int, audio_ms: int) -> list[Minute]:
    return [Minute(minute=FIRST_MINUTE + at, files=files, audio_ms=audio_ms)]


@pytest.mark.parametrize(
    ("counts", "minutes", "after_s", "eta_s", "basis"),
    [
        (half_done(), _minute(0, 100, 100 * HOUR_MS), 30, 30, "audio since the start"),
        (half_done(audio_ms=0), _minute(0, 100, 0), 30, 30, "files since the start"),
        (half_done(audio_ms=0), _minute(9, 100, 0), 600, 60, "files of the last 5 minutes"),
        (
            half_done(published=False),
            _minute(9, 100, 100 * HOUR_MS),
            600,
            60,
            "audio of the last 5 minutes, for the files planned so far",
        ),
        (counted({"ok": 5}), _minute(0, 5, 5000), 30, 0, "no files are waiting"),
        (counted(), [], 30, 0, "no files are waiting"),
        (counted(files=10), [], 30, None, None),
        (counted(published=False), [], 30, None, None),
        (half_done(cancelled_at=BEGUN + 20, in_flight=3), STEADY, 600, None, None),
        (half_done(cancelled_at=BEGUN + 20), STEADY, 600, None, None),
    ],
)
def test_the_eta_names_its_basis(
    counts: JobCounts, minutes: list[Minute], after_s: float, eta_s: float | None, basis: str | None
) -> None:
    found = progress(counts, minutes, after_s)
    assert found.eta_s == (None if eta_s is None else pytest.approx(eta_s))
    assert found.eta_basis == basis


@pytest.mark.parametrize(
    ("counts", "hours"),
    [
        (half_done(), 100),
        (counted({"ok": 1, "failed": 1}, files=4, audio_ms=HOUR_MS), 1),
        (counted({"skipped": 90}, files=100, estimated_ms=5 * HOUR_MS), 5),
        (counted({"failed": 5}, files=10, estimated_ms=20 * HOUR_MS), 10),
        (counted({"skipped": 9}, files=10), None),
        (counted({"ok": 5}), 0),
    ],
)
def test_remaining_audio_is_extrapolated_from_finished_files_or_estimated(
    counts: JobCounts, hours: float | None
) -> None:
    assert progress(counts).remaining_audio_hours == hours


def _worker(job: str | None = None, at: float = BEGUN + 3000, **fields: Any) -> WorkerSeen:
    return WorkerSeen(worker="fleet@a", slot=0, at=at, job=job, **fields)


def test_a_stalled_job_has_no_eta() -> None:
    found = progress(half_done(), STEADY, after_s=3600)
    assert found.stalled_s == 3000
    assert (found.eta_s, found.eta_basis) == (None, None)
    assert progress(half_done(), STEADY, after_s=600 + 299).stalled_s is None


def test_a_job_without_a_finished_file_is_stalled_after_five_minutes() -> None:
    assert progress(counted(files=5), after_s=301).stalled_s == 301
    assert progress(counted(files=5), after_s=299).stalled_s is None


def test_a_stalled_job_with_a_busy_worker_has_an_eta() -> None:
    found = progress(half_done(), STEADY, after_s=3600, workers=[_worker("night")])
    assert found.stalled_s == 3000
    assert found.eta_s == pytest.approx(3600)
    assert found.eta_basis == "audio since the start"
    idle = progress(half_done(), STEADY, after_s=3600, workers=[_worker(None), _worker("other")])
    assert idle.eta_s is None


@pytest.mark.parametrize(
    "counts", [counted({"ok": 5}), counted(), half_done(cancelled_at=BEGUN + 5)]
)
def test_a_finished_job_is_not_stalled(counts: JobCounts) -> None:
    assert progress(counts, after_s=90_000).stalled_s is None


@pytest.mark.parametrize(
    ("counts", "state", "fraction"),
    [
        (counted(published=False), "planning", 0),
        (counted(), "complete", 1),
        (counted({"ok": 1}, files=2, published=False), "planning", 0.5),
        (counted({"ok": 1}, files=2), "running", 0.5),
        (counted({"ok": 1, "failed": 1}), "complete", 1),
        (counted({"ok": 1}, files=4, cancelled_at=1.0, in_flight=1), "cancelled", 0.25),
        (counted({"ok": 1, "cancelled": 1}, files=4, cancelled_at=1.0), "cancelled", 0.25),
        (counted({"ok": 4}, whole=False), "unknown", None),
        (counted({"ok": 1}, files=4, published=False, whole=False), "unknown", None),
        (counted({"ok": 1}, files=4, cancelled_at=1.0, whole=False), "cancelled", None),
        (counted({"ok": 1, "cancelled": 1}), "cancelled", 0.5),
    ],
)
def test_a_job_is_in_one_state(counts: JobCounts, state: str, fraction: float | None) -> None:
    found = progress(counts)
    assert (found.state, found.fraction) == (state, fraction)


def test_a_job_with_an_incomplete_ledger_has_no_forecast() -> None:
    found = progress(half_done(files=100, whole=False), STEADY, after_s=86_400)
    assert (found.waiting, found.eta_s, found.eta_basis, found.stalled_s) == (None,) * 4
    assert (found.remaining_audio_hours, found.cost_expected) == (None, None)
    assert found.done


def test_every_file_is_counted_in_one_state() -> None:
    counts = counted(
        {"ok": 1, "empty": 2, "failed": 3, "skipped": 4, "cancelled": 5}, files=40, in_flight=6
    )
    for job in (counts, counted(counts.outcomes, files=40, cancelled_at=BEGUN)):
        found = progress(job)
        places = (found.done, found.empty, found.failed, found.skipped, found.cancelled)
        assert found.waiting is not None
        assert sum(places) + found.waiting == 40
    assert progress(counts).in_flight == 6


def test_the_speed_of_a_finished_job_does_not_change() -> None:
    closed = half_done(files=100, closed_at=BEGUN + 570)
    for over, over_s in ((half_done(files=100), 600), (closed, 570)):
        found = progress(over, STEADY, after_s=86_400)
        assert found.throughput_since_start
        assert found.throughput_since_start.over_s == over_s
        assert found.throughput_now is None


def test_the_expected_cost_assumes_the_same_speed_for_the_rest() -> None:
    found = progress(half_done(), STEADY, gpu_hour_price=3.0)
    assert found.device_hours == pytest.approx(1 / 3)
    assert found.audio_hours_per_device_hour == pytest.approx(300)
    assert found.cost_so_far == pytest.approx(1.0)
    assert found.cost_expected == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("counts", "price", "so_far", "expected"),
    [
        (half_done(), None, None, None),
        (counted(files=5, estimated_ms=HOUR_MS), 3.0, 0, None),
        (half_done(files=100), 3.0, 1, 1),
        (half_done(cancelled_at=BEGUN), 3.0, 1, 1),
        (counted(), 3.0, 0, 0),
    ],
)
def test_an_unknown_cost_is_none(
    counts: JobCounts, price: float | None, so_far: float | None, expected: float | None
) -> None:
    found = progress(counts, gpu_hour_price=price)
    assert found.cost_so_far == (None if so_far is None else pytest.approx(so_far))
    assert found.cost_expected == (None if expected is None else pytest.approx(expected))


def test_workers_are_listed_with_their_speed_unless_long_silent() -> None:
    busy = _worker("night", shard="night-7", files=3, audio_ms=HOUR_MS, work_ms=36_000)
    gone = WorkerSeen(worker="fleet@b", slot=0, at=BEGUN)
    fresh = WorkerSeen(worker="fleet@a", slot=1, at=BEGUN + 3700)
    found = progress(half_done(), after_s=3660, workers=[fresh, gone, busy]).workers
    assert [(one.worker, one.slot) for one in found] == [("fleet@a", 0), ("fleet@a", 1)]
    assert (found[0].job, found[0].shard, found[0].files) == ("night", "night-7", 3)
    assert (found[0].heard_s_ago, found[0].audio_hours, found[0].rtfx) == (660, 1, 100)
    # if the worker's clock is ahead of ours, its report is 0 s old
    assert (found[1].heard_s_ago, found[1].rtfx) == (0, None)
