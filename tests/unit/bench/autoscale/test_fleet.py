"""Simulated pods and days, and the tables about them in docs/scaling.md."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.autoscale.comparing import Comparison, run_autoscale
from bench.autoscale.days import Day
from bench.autoscale.fleet import Fleet
from bench.autoscale.playing import Outcome, play
from bench.autoscale.scaler import fixed, ours, queue_length
from bench.broker import BrokerResult
from funasr_fleet.settings import Settings

HOUR_S = 3600.0
DAY = Day(name="test", jobs=((0.0, 100 * HOUR_S),), most=16, rtfx=100.0, start_s=60.0)


def test_a_pod_is_paid_from_its_creation_and_works_once_it_is_ready() -> None:
    fleet = Fleet(DAY, waiting_s=10 * HOUR_S)
    fleet.resize(0, 2)
    fleet.tick(15, 15)
    assert (fleet.ready, fleet.pods, fleet.done_s, fleet.paid_s) == (0, 2, 0, 30)
    fleet.tick(60, 45)
    assert (fleet.ready, fleet.done_s) == (2, 2 * 100 * 45)


def test_busy_slots_never_exceed_the_number_of_shards() -> None:
    fleet = Fleet(DAY, ready=10, waiting_s=2.5 * DAY.shard_s)
    page = fleet.page()
    assert fleet.busy == 3
    assert page['asr_backlog_messages{queue="fleet",state="unacked"}'] == 3
    assert page['asr_backlog_messages{queue="fleet",state="ready"}'] == 0


def test_loading_pods_are_removed_first_and_busy_pods_drain() -> None:
    fleet = Fleet(DAY, ready=4, waiting_s=4 * DAY.shard_s)
    fleet.resize(0, 6)
    fleet.resize(0, 3)
    assert (fleet.ready, fleet.pods) == (3, 3)
    fleet.tick(15, 15)
    assert fleet.paid_s == (3 + 1) * 15  # the fourth one drains
    fleet.tick(30, 15)
    assert fleet.paid_s == (3 + 1 + 3) * 15


def test_work_of_killed_pods_is_redelivered_and_nothing_is_lost() -> None:
    day = Day(name="kills", jobs=DAY.jobs, most=16, rtfx=100.0, start_s=60.0, kills_per_hour=20.0)
    fleet = Fleet(day, ready=16, waiting_s=100 * HOUR_S)
    unseen = 0.0
    for step in range(1, 40):
        fleet.tick(step * 15.0, 15.0)
        assert fleet.done_s + fleet.remaining_s == pytest.approx(100 * HOUR_S)
        unseen = max(unseen, fleet.remaining_s - fleet.waiting_s)
    assert unseen > 0
    assert fleet.ready < 16


def test_a_simulated_day_ends_with_no_work_and_no_pods() -> None:
    outcome = play(DAY, ours())
    assert outcome.drain_hours
    assert outcome.drain_hours < 1
    assert outcome.gpu_hours - outcome.gpu_hours_wasted == pytest.approx(1.0, abs=0.15)
    assert (outcome.overshoot_gpus, outcome.gpus_started) == (0, outcome.peak_gpus)


def test_the_audio_based_scaler_adapts_to_slow_models_and_queue_length_does_not() -> None:
    slow = Day(name="slow", jobs=((0.0, 100 * HOUR_S),), most=64, rtfx=10.0)
    by_speed, by_messages = play(slow, ours()), play(slow, queue_length(300, "300"))
    assert by_speed.drain_hours
    assert by_messages.drain_hours
    assert by_speed.drain_hours < 1 < by_messages.drain_hours
    assert play(slow, fixed()).peak_gpus == 64


ROOT = Path(__file__).parents[4]
RESULTS = ROOT / "bench/results"
PAGE = (ROOT / "docs/scaling.md").read_text()


def latest(name: str) -> dict[str, object]:
    found = sorted(RESULTS.glob(f"{name}-*.json"))[-1]
    document: dict[str, object] = json.loads(found.read_text())
    return document


@pytest.mark.slow
def test_the_tables_of_the_page_match_the_current_simulation() -> None:
    """If this fails after a change of the rules or the ScaledObject: rerun `bench autoscale`."""
    played = run_autoscale()
    assert latest("autoscale") == json.loads(json.dumps(asdict(played)))
    kept: list[dict[str, object]] = latest("autoscale")["outcomes"]  # type: ignore[assignment]
    assert Comparison([Outcome(**one) for one in kept]).to_text() in PAGE  # type: ignore[arg-type]


def test_the_redis_numbers_of_the_page_match_the_measurement() -> None:
    assert BrokerResult(**latest("broker")).to_text() in PAGE  # type: ignore[arg-type]


def test_every_setting_named_by_the_page_exists() -> None:
    named = set(re.findall(r"FLEET_[A-Z_]+", PAGE))
    assert named
    assert named <= {f"FLEET_{name.upper()}" for name in Settings.model_fields}
