"""The catalogue as prometheus_client objects; parent and children count into files of their own.

Files are named by slot, not by process: a counter survives the child that a crash replaced.
"""

import os
from pathlib import Path
from typing import Any

from contract.metric import Metric
from worker.telemetry.catalogue import CATALOGUE

_DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def metrics_directory(run_dir: Path) -> Path:
    """Where the children of one worker count."""
    return run_dir / "metrics"


def forget_counts(run_dir: Path) -> None:
    """Start a worker's counters at zero: Prometheus expects that of a restarted process."""
    directory = metrics_directory(run_dir)
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.db"):
        old.unlink()


class Metrics:
    """What one process counts, by name; an undeclared name is a KeyError."""

    def __init__(self, run_dir: Path, whose: str) -> None:
        """`whose` names the files: slot0, slot1, ..., parent."""
        os.environ[_DIRECTORY_VARIABLE] = str(metrics_directory(run_dir))
        # both must happen before the first metric exists
        from prometheus_client import CollectorRegistry, values

        per_slot: Any = values.MultiProcessValue  # prometheus_client leaves its types out
        values.ValueClass = per_slot(lambda: whose)
        registry = CollectorRegistry()
        self._by_name = {
            metric.name: _make(metric, registry)
            for metric in CATALOGUE
            if not metric.read_at_scrape
        }
        for metric in CATALOGUE:
            for value in metric.values:
                self[metric.name].labels(value)

    def __getitem__(self, name: str) -> Any:
        return self._by_name[name]


def _make(metric: Metric, registry: Any) -> Any:
    from prometheus_client import Counter, Gauge, Histogram

    match metric.kind:
        case "counter":
            return Counter(metric.name, metric.help, metric.labels, registry=registry)
        case "histogram":
            return Histogram(
                metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets
            )
        case "gauge":
            # every gauge carries its slot, so the last value written is the value
            return Gauge(
                metric.name,
                metric.help,
                metric.labels,
                registry=registry,
                multiprocess_mode="mostrecent",
            )
