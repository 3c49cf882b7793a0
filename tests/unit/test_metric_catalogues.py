"""Metric names are a public interface: declared once, and named by Prometheus's rules."""

import itertools
import re
from pathlib import Path
from types import ModuleType

import pytest

from funasr_fleet.exporter import metrics, serving
from funasr_fleet.exporter.metrics import CATALOGUE as OF_THE_EXPORTER
from funasr_fleet.metric import Metric
from funasr_fleet.worker.telemetry import devices, observers, server
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE as OF_A_WORKER

UNITS = ("_seconds", "_bytes", "_ratio", "_celsius", "_watts", "_info")
WITHOUT_UNIT = {
    *("asr_slots", "asr_model_load_failures", "asr_child_deaths", "asr_rtfx", "asr_torch_threads"),
    *("asr_planned_torch_threads", "asr_model_ready", "asr_device_expected", "asr_fast_path"),
}
EVERY = pytest.mark.parametrize(
    "metric", [*OF_A_WORKER, *OF_THE_EXPORTER], ids=lambda metric: metric.name
)


def used_in(*modules: ModuleType) -> set[str]:
    texts = (Path(str(module.__file__)).read_text() for module in modules)
    return {name for text in texts for name in re.findall(r'"(asr_\w+)"', text)}


@EVERY
def test_a_metric_has_a_name_with_prefix_and_a_help_sentence(metric: Metric) -> None:
    assert re.fullmatch(r"asr_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.help.endswith(".")
    assert metric.help[0].isupper() or metric.help[0].isdigit() or metric.help.startswith("torch")


@EVERY
def test_names_end_with_total_or_a_base_unit_and_only_histograms_have_buckets(
    metric: Metric,
) -> None:
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert all(low < high for low, high in itertools.pairwise(metric.buckets))
    if metric in OF_A_WORKER and metric.kind != "counter":
        assert metric.name.endswith(UNITS) or metric.name in WITHOUT_UNIT


@EVERY
def test_no_label_can_take_an_unbounded_number_of_values(metric: Metric) -> None:
    of_a_worker = {"outcome", "stage", "slot", "device", "name", "uuid", "kind", "path", "reason"}
    of_the_exporter = {"queue", "state", "job", "kind"}
    assert set(metric.labels) <= (of_a_worker if metric in OF_A_WORKER else of_the_exporter)


@pytest.mark.parametrize("metric", OF_A_WORKER, ids=lambda metric: metric.name)
def test_every_gauge_of_a_worker_is_distinguished_by_its_slot(metric: Metric) -> None:
    """Children share their files: without the slot one would overwrite the other's value."""
    assert metric.kind != "gauge" or "slot" in metric.labels or metric.read_at_scrape


def test_no_name_is_declared_twice_and_the_exporter_has_gauges_only() -> None:
    names = [metric.name for metric in (*OF_A_WORKER, *OF_THE_EXPORTER)]
    assert len(set(names)) == len(names)
    assert {metric.kind for metric in OF_THE_EXPORTER} == {"gauge"}


def test_what_is_counted_or_read_is_what_is_declared() -> None:
    counted = {metric.name for metric in OF_A_WORKER if not metric.read_at_scrape}
    assert used_in(observers) == counted
    read = {metric.name for metric in OF_A_WORKER if metric.read_at_scrape}
    assert used_in(devices, server) == read
    _, found, readings = Path(metrics.__file__).read_text().partition("\n)\n")
    assert "CATALOGUE = (" not in readings  # only the code after the declarations
    assert found
    told = set(re.findall(r'"(asr_\w+)"', readings)) | used_in(serving)
    assert told == {metric.name for metric in OF_THE_EXPORTER}
