"""Query results -> number of pods, by the rules of Kubernetes and KEDA."""

from dataclasses import replace

import pytest

from bench.autoscale.autoscaler import SYNC_S, Autoscaler
from bench.autoscale.scaler import Behavior, Policy, Scaler, Trigger, fixed, ours, queue_length

SCALER = Scaler(
    name="test",
    triggers=(Trigger("asr_a", 1, False), Trigger("asr_b", 1_000, True)),
    up=Behavior(0, (Policy("Pods", 8, 15), Policy("Percent", 100, 15))),
    down=Behavior(60, (Policy("Percent", 50, 60),)),
    cooldown_s=120,
)


def let(
    autoscaler: Autoscaler, pods: int, *answers: tuple[float | None, float | None]
) -> list[int]:
    """Feed one result per step to the autoscaler; return the number of pods after each step."""
    counts = []
    for step, answer in enumerate(answers):
        pods = autoscaler.decide(step * SYNC_S, pods, answer)
        counts.append(pods)
    return counts


def test_scaling_starts_with_one_pod_and_then_follows_the_backlog() -> None:
    counts = let(Autoscaler(SCALER, 100), 0, (0, 0), (50, 7), (50, 7), (50, 7), (50, 7), (50, 7))
    assert counts == [0, 1, 9, 18, 36, 50]


def test_the_maximum_number_of_pods_is_never_exceeded() -> None:
    assert let(Autoscaler(SCALER, 20), 0, *[(500, 1)] * 5)[-1] == 20


def test_scaling_down_waits_and_halves_the_pods_once_a_minute() -> None:
    busy, idle = (40.0, 1.0), (10.0, 1.0)
    counts = let(Autoscaler(SCALER, 100), 40, busy, *[idle] * 20)
    assert counts[:4] == [40] * 4
    assert counts[4] == 20  # half of them
    assert counts[5:8] == [20] * 3  # in a minute
    assert counts[-1] == 10


def test_a_change_below_ten_percent_is_ignored() -> None:
    assert let(Autoscaler(SCALER, 100), 20, *[(21.9, 1), (18.1, 1)] * 5) == [20] * 10
    assert let(Autoscaler(SCALER, 100), 20, (22.1, 1)) == [23]


def test_a_missing_metric_prevents_scaling_down_but_not_up() -> None:
    assert let(Autoscaler(SCALER, 100), 20, *[(None, 1.0)] * 20) == [20] * 20
    assert let(Autoscaler(SCALER, 100), 2, (30.0, None)) == [10]


def test_pods_are_scaled_to_zero_after_the_cooldown() -> None:
    counts = let(Autoscaler(SCALER, 100), 1, (0, 1), *[(0, 0)] * 9)
    assert counts == [1] * 8 + [0, 0]


def test_a_fixed_fleet_never_changes() -> None:
    assert Autoscaler(fixed(), 64).decide(0, 0, ()) == 64


def test_the_simulated_scaler_is_that_of_the_manifest() -> None:
    scaler = ours()
    assert [one.activates for one in scaler.triggers] == [False, False, True, True]
    assert scaler.down.policies[0].kind == "Percent"
    records = {rule.record for group in scaler.rules for rule in group.rules}
    assert {"asr:slots_wanted", "asr:rtfx_per_slot", "asr:slots"} <= records
    assert "asr:failure_ratio" not in records  # no query of the scaler reads it


@pytest.mark.parametrize(("waiting", "pods"), [(1.0, 1), (26.0, 6), (0.0, 0)])
def test_a_queue_length_scaler_counts_messages(waiting: float, pods: int) -> None:
    scaler = replace(queue_length(5, "five"), up=SCALER.up)
    assert Autoscaler(scaler, 64).decide(0, 1, (waiting,)) == pods
