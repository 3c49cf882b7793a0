"""The catalogue as prometheus_client objects; the parent and each slot have their own files.

Files are named by slot, not by process, so that counters survive the crash of a child.
"""

import os
from pathlib import Path
from typing import Any

from funasr_fleet.metric import Metric
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE

_DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def metrics_directory(run_dir: Path) -> Path:
    """Return the directory of a worker's metric files."""
    return run_dir / "metrics"


def forget_counts(run_dir: Path) -> None:
    """Reset a worker's counters to zero, as Prometheus expects of a restarted process."""
    directory = metrics_directory(run_dir)
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.db"):
        old.unlink()


class Metrics:
    """The metrics of one process by name; an undeclared name raises KeyError."""

    def __init__(self, run_dir: Path, file_name: str) -> None:
        """Create the metrics; `file_name` is slot0, slot1, ... or parent."""
        os.environ[_DIRECTORY_VARIABLE] = str(metrics_directory(run_dir))
        # the variable and ValueClass must be set before the first metric exists
        from prometheus_client import CollectorRegistry, values

        per_file: Any = values.MultiProcessValue  # untyped in prometheus_client
        values.ValueClass = per_file(lambda: file_name)
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
            # every gauge has a slot label, so the value written last is the current one
            return Gauge(
                metric.name,
                metric.help,
                metric.labels,
                registry=registry,
                multiprocess_mode="mostrecent",
            )
