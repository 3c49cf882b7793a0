"""The exporter's names, by the conventions of Prometheus."""

import re
from pathlib import Path

import pytest

from funasr_fleet.exporter import metrics, serving
from funasr_fleet.exporter.metrics import CATALOGUE
from funasr_fleet.metric import Metric
from funasr_fleet.worker.telemetry import catalogue as of_a_worker

EVERY = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)


def used() -> set[str]:
    _, catalogue, rest = Path(metrics.__file__).read_text().partition("CATALOGUE = (")
    _, end, readings = rest.partition("\n)\n")
    assert catalogue
    assert end
    return set(re.findall(r'"(asr_\w+)"', readings + Path(serving.__file__).read_text()))


@EVERY
def test_it_is_a_gauge_with_a_name_and_a_sentence(metric: Metric) -> None:
    assert re.fullmatch(r"asr_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.kind == "gauge"
    assert not metric.name.endswith("_total")
    assert metric.help.endswith(".")


@EVERY
def test_no_label_can_take_endlessly_many_values(metric: Metric) -> None:
    assert set(metric.labels) <= {"queue", "state", "job", "kind"}


def test_no_name_is_declared_twice_or_a_worker_s() -> None:
    names = [metric.name for metric in (*CATALOGUE, *of_a_worker.CATALOGUE)]
    assert len(set(names)) == len(names)


def test_what_is_told_is_what_is_declared() -> None:
    assert used() == {metric.name for metric in CATALOGUE}
