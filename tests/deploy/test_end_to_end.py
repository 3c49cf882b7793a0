"""Every panel shows something, and the right alerts come, when a fleet is at work."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.generating.queries import alert_queries, panel_queries
from tests.deploy.scene import JOB, Scene, running_scene
from tests.deploy.tools import needs

pytestmark = pytest.mark.timeout(600)

FILES = 280
DEADLINE_S = 400.0
LOOK_EVERY_S = 2.0
"""A look asks a hundred questions, on cores that the fleet needs."""

EXPECTED = {"FleetFailureRatio", "FleetDeadLetters"}
"""Of the scene: a seventh of its files fail, one kills, and a message is none."""


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


def has_data(series: list[Any]) -> bool:
    """Whether any of it is a number."""
    return any(math.isfinite(float(one["value"][1])) for one in series)


def test_every_panel_shows_data_while_a_job_is_at_work(
    scene: Scene, values: dict[str, str]
) -> None:
    waiting = set(panel_queries(values, without=("gpu", "maxmemory")))
    assert len(waiting) > 50
    give_up = time.monotonic() + DEADLINE_S
    while waiting and time.monotonic() < give_up:
        waiting -= {one for one in waiting if has_data(scene.prometheus.query(one[2]))}
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


def test_every_alert_can_be_asked_of_what_workers_tell(scene: Scene) -> None:
    for name, query in alert_queries():
        scene.prometheus.query(query)  # raises when Prometheus refuses it
        assert name.startswith("Fleet")
