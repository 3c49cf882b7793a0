"""With a running fleet, every panel shows data and the expected alerts fire."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.generating.queries import alert_queries, panel_queries
from tests.support.deployments import needs
from tests.support.monitored_fleet import JOB, Scene, running_scene
from tests.support.promql import mentions, selectors

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FILES = 280
DEADLINE_S = 400.0
LOOK_EVERY_S = 2.0
"""Seconds between polls: each poll sends a hundred queries, on cores that the fleet needs."""

EXPECTED = {"FleetFailureRatio", "FleetDeadLetters"}
"""Alerts caused by the scenario: failing files, a crashing file and an invalid message."""

OF_A_GPU = {"asr_device_temperature_celsius", "asr_device_power_watts"}
"""Series that need a GPU: expressions with them are not tested here."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    needs("prometheus")
    with running_scene(tmp_path_factory.mktemp("scene")) as running:
        running.enqueue(FILES)
        yield running


@pytest.fixture(scope="module")
def values(scene: Scene) -> dict[str, str]:
    """Values of Grafana's variables."""
    return {
        "job": JOB,
        "instance": f"127.0.0.1:{scene.workers[0].port}",
        "slot": "0",
        "__rate_interval": "30s",
        "__range": "300s",
    }


def numbers(series: list[Any]) -> list[float]:
    """The values of its series that are numbers."""
    return [number for one in series if math.isfinite(number := float(one["value"][1]))]


def test_every_panel_shows_data_while_a_job_runs(scene: Scene, values: dict[str, str]) -> None:
    waiting = set(panel_queries(values, without={"gpu"}))
    assert len(waiting) > 50
    untried = set(panel_queries(values)) - waiting
    assert {named.name for one in untried for named in mentions(one[2])} == OF_A_GPU
    give_up = time.monotonic() + DEADLINE_S
    while waiting and time.monotonic() < give_up:
        waiting -= {one for one in waiting if numbers(scene.prometheus.query(one[2]))}
        time.sleep(LOOK_EVERY_S)
    assert waiting == set()


def test_exactly_the_expected_alerts_fire(scene: Scene) -> None:
    give_up = time.monotonic() + DEADLINE_S
    while not scene.is_over():
        assert time.monotonic() < give_up
        time.sleep(LOOK_EVERY_S)
    # until it is replaced, the child crashed by the file is missing
    while (found := scene.prometheus.alerts()).keys() != EXPECTED:
        assert time.monotonic() < give_up, found
        time.sleep(LOOK_EVERY_S)


def test_every_series_queried_by_an_alert_exists(scene: Scene) -> None:
    """An alert without data would never fire."""
    missing = {}
    for name, query in alert_queries():
        scene.prometheus.query(query)  # raises when Prometheus rejects it
        named = selectors(query)
        assert named, name
        assert OF_A_GPU.isdisjoint(one.name for one in mentions(query)), (
            "list the expression as untested"
        )
        if nothing := [one for one in named if not numbers(scene.prometheus.query(one))]:
            missing[name] = nothing
    assert missing == {}


def test_a_killed_child_and_a_rejected_message_are_counted(
    scene: Scene,
) -> None:
    """Dead letters are counted by the worker that wrote them, parent or child."""
    found = {
        name: sum(numbers(scene.prometheus.query(name)))
        for name in ("asr_redeliveries_total", "asr_dead_lettered_total", "asr_dead_letters")
    }
    assert found["asr_redeliveries_total"] > 0
    assert found["asr_dead_lettered_total"] == found["asr_dead_letters"] > 0
