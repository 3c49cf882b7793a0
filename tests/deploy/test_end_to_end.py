"""Every panel shows something, and the right alerts come, when a fleet is at work."""

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
"""A look asks a hundred questions, on cores that the fleet needs."""

EXPECTED = {"FleetFailureRatio", "FleetDeadLetters"}
"""Of the scene: a seventh of its files fail, one kills, and a message is none."""

OF_A_GPU = {"asr_device_temperature_celsius", "asr_device_power_watts"}
"""Series that this machine cannot have: nothing that asks for them is tried here."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    needs("prometheus")
    with running_scene(tmp_path_factory.mktemp("scene")) as running:
        running.enqueue(FILES)
        yield running


@pytest.fixture(scope="module")
def values(scene: Scene) -> dict[str, str]:
    """Of Grafana's variables."""
    return {
        "job": JOB,
        "instance": f"127.0.0.1:{scene.workers[0].port}",
        "slot": "0",
        "__rate_interval": "30s",
        "__range": "300s",
    }


def numbers(series: list[Any]) -> list[float]:
    """What its series say, as far as it is a number."""
    return [number for one in series if math.isfinite(number := float(one["value"][1]))]


def test_every_panel_shows_data_while_a_job_is_at_work(
    scene: Scene, values: dict[str, str]
) -> None:
    waiting = set(panel_queries(values, without={"gpu"}))
    assert len(waiting) > 50
    untried = set(panel_queries(values)) - waiting
    assert {named.name for one in untried for named in mentions(one[2])} == OF_A_GPU
    give_up = time.monotonic() + DEADLINE_S
    while waiting and time.monotonic() < give_up:
        waiting -= {one for one in waiting if numbers(scene.prometheus.query(one[2]))}
        time.sleep(LOOK_EVERY_S)
    assert waiting == set()


def test_the_alerts_that_should_come_do_and_no_others(scene: Scene) -> None:
    give_up = time.monotonic() + DEADLINE_S
    while not scene.is_over():
        assert time.monotonic() < give_up
        time.sleep(LOOK_EVERY_S)
    # the child that the file killed is missed until it has been replaced
    while (found := scene.prometheus.alerts()).keys() != EXPECTED:
        assert time.monotonic() < give_up, found
        time.sleep(LOOK_EVERY_S)


def test_what_every_alert_asks_for_is_there(scene: Scene) -> None:
    """An alert that is silent for want of data would be silent for ever."""
    missing = {}
    for name, query in alert_queries():
        scene.prometheus.query(query)  # raises when Prometheus refuses it
        asked = selectors(query)
        assert asked, name
        assert OF_A_GPU.isdisjoint(one.name for one in mentions(query)), "say that it is untried"
        if nothing := [one for one in asked if not numbers(scene.prometheus.query(one))]:
            missing[name] = nothing
    assert missing == {}


def test_a_child_that_was_killed_and_a_message_that_was_refused_were_counted(
    scene: Scene,
) -> None:
    """Each message that lies there by the worker that put it there, parent or child."""
    found = {
        name: sum(numbers(scene.prometheus.query(name)))
        for name in ("asr_redeliveries_total", "asr_dead_lettered_total", "asr_dead_letters")
    }
    assert found["asr_redeliveries_total"] > 0
    assert found["asr_dead_lettered_total"] == found["asr_dead_letters"] > 0
