"""Throughput is measured from the start of the first file, and includes files in progress."""

from typing import Any

import pytest

from funasr_fleet.broker.ledger.values import Minute
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.producer.progress.eta import start_of
from funasr_fleet.producer.progress.measuring import in_progress_ms, measure
from tests.support.examples import BEGUN, FIRST_MINUTE, counted

HOUR_MS = 3_600_000


def _minute(at: int, files: int, audio_ms: int) -> list[Minute]:
    return [Minute(minute=FIRST_MINUTE + at, files=files, audio_ms=audio_ms)]


def test_a_slow_model_is_measured_from_the_first_file_begun() -> None:
    """The first file takes 19 minutes; from its end, throughput would seem 20 times higher."""
    counts = counted({"ok": 1}, files=10, audio_ms=HOUR_MS, begun_at=BEGUN + 30)
    found = measure(counts, _minute(19, 1, HOUR_MS), [], BEGUN + 1230)
    assert found.throughput_since_start
    assert found.throughput_since_start.over_s == 1200
    assert found.throughput_since_start.audio_hours_per_hour == pytest.approx(3)
    assert found.eta_s == pytest.approx(3 * 3600)
    assert found.eta_basis == "audio since the start"


@pytest.mark.parametrize(
    ("begun_at", "start"),
    [
        (BEGUN + 30, BEGUN + 30),
        (BEGUN - 90, BEGUN),  # clocks differ
        (BEGUN + 7200, BEGUN + 60),  # an earlier release did not record the start
        (None, BEGUN + 60),
    ],
)
def test_the_start_is_when_the_first_file_was_begun(begun_at: float | None, start: float) -> None:
    assert start_of(counted(begun_at=begun_at), _minute(1, 1, 5)) == start


def test_a_job_that_is_not_begun_has_no_start() -> None:
    assert start_of(counted(), []) is None


def _in_progress(ms: int, shard: str = "s1", slot: int = 0, **fields: Any) -> WorkerSeen:
    given = {"job": "night", "at": BEGUN + 599, **fields}
    return WorkerSeen(worker="a", slot=slot, shard=shard, in_progress_ms=ms, **given)


@pytest.mark.parametrize(
    ("workers", "ms"),
    [
        ([], 0),
        ([_in_progress(5)], 5),
        ([_in_progress(5), _in_progress(7, "s2", slot=1)], 12),
        ([_in_progress(5, at=BEGUN + 580), _in_progress(7, slot=1)], 7),  # redelivered
        ([_in_progress(5), _in_progress(7, slot=1, at=BEGUN + 580)], 5),
        ([_in_progress(5, at=BEGUN + 500)], 0),  # its worker is gone
        ([_in_progress(5, job="another")], 0),
    ],
)
def test_audio_in_progress_is_counted_once(workers: list[WorkerSeen], ms: int) -> None:
    assert in_progress_ms("night", workers, BEGUN + 600) == ms


def test_a_long_file_in_progress_gives_speed_eta_and_cost() -> None:
    counts = counted(
        files=1, estimated_ms=4 * HOUR_MS, begun_at=BEGUN, in_flight=1, work_ms=600_000
    )
    found = measure(counts, [], [_in_progress(HOUR_MS)], BEGUN + 600, 6.0)
    assert (found.audio_hours, found.in_progress_audio_hours) == (0, 1)
    assert found.remaining_audio_hours == 3
    assert found.throughput_since_start
    assert found.throughput_since_start.audio_hours_per_hour == pytest.approx(6)
    assert found.eta_s == pytest.approx(1800)
    assert found.eta_basis == "audio since the start"
    assert found.audio_hours_per_device_hour == pytest.approx(6)
    assert found.cost_so_far == pytest.approx(1.0)
    assert found.cost_expected == pytest.approx(4.0)
    assert found.workers[0].rtfx is None


def test_more_audio_in_progress_than_estimated_does_not_end_the_job() -> None:
    counts = counted(files=1, estimated_ms=HOUR_MS, begun_at=BEGUN, in_flight=1)
    found = measure(counts, [], [_in_progress(2 * HOUR_MS)], BEGUN + 600)
    assert found.state == "running"
    assert found.remaining_audio_hours
    assert found.eta_s
