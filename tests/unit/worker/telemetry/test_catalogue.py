"""Names of metrics are the public interface: declared once, and named as Prometheus wants."""

import itertools
import re
from pathlib import Path

import pytest

from funasr_fleet.metric import Metric
from funasr_fleet.worker.telemetry import devices, observers, server
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE

UNITS = ("_seconds", "_bytes", "_ratio", "_celsius", "_watts", "_info")
NUMBERS = ("asr_slots", "asr_model_load_failures", "asr_child_deaths")
WITHOUT_UNIT = {
    *NUMBERS,
    "asr_rtfx",
    "asr_torch_threads",
    "asr_planned_torch_threads",
    "asr_model_ready",
    "asr_device_expected",
    "asr_fast_path",
}
EVERY = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)


def _used_in(module_file: str) -> set[str]:
    return set(re.findall(r'"(asr_\w+)"', Path(module_file).read_text()))


@EVERY
def test_a_name_is_lower_case_with_the_prefix_of_the_fleet(metric: Metric) -> None:
    assert re.fullmatch(r"asr_[a-z]+(_[a-z]+)*", metric.name)


@EVERY
def test_counters_and_only_counters_end_with_total(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind == "counter")


@EVERY
def test_a_measured_name_ends_with_its_base_unit(metric: Metric) -> None:
    assert metric.kind == "counter" or metric.name.endswith(UNITS) or metric.name in WITHOUT_UNIT


@EVERY
def test_histograms_and_only_histograms_have_buckets_and_these_rise(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert all(low < high for low, high in itertools.pairwise(metric.buckets))


@EVERY
def test_a_metric_explains_itself_in_a_sentence(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert metric.help[0].isupper() or metric.help[0].isdigit() or metric.help.startswith("torch")


@EVERY
def test_no_label_can_take_endlessly_many_values(metric: Metric) -> None:
    assert set(metric.labels) <= {
        "outcome",
        "stage",
        "slot",
        "device",
        "name",
        "uuid",
        "kind",
        "path",
    }


@EVERY
def test_every_gauge_is_told_apart_by_its_slot(metric: Metric) -> None:
    """Children share their files: without the slot one would overwrite the other's value."""
    assert metric.kind != "gauge" or "slot" in metric.labels or metric.read_at_scrape


def test_no_name_is_declared_twice() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def test_what_is_counted_is_what_is_declared() -> None:
    counted = {metric.name for metric in CATALOGUE if not metric.read_at_scrape}
    assert _used_in(observers.__file__) == counted


def test_what_is_read_at_a_scrape_is_what_is_declared() -> None:
    read = {metric.name for metric in CATALOGUE if metric.read_at_scrape}
    assert _used_in(devices.__file__) | _used_in(server.__file__) == read
