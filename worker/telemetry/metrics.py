"""The catalogue as prometheus_client objects; the parent and each slot have their own files.

Files are named by slot, not by process, so that counters survive the crash of a child.
"""

import os
from collections.abc import Callable
from pathlib import Path

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
    """The metrics of one process, by kind and name; an undeclared name raises KeyError."""

    def __init__(self, run_dir: Path, file_name: str) -> None:
        """Create the metrics; `file_name` is slot0, slot1, ... or parent."""
        os.environ[_DIRECTORY_VARIABLE] = str(metrics_directory(run_dir))
        # the variable and ValueClass must be set before the first metric exists
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

        per_file: Callable[..., type] = values.MultiProcessValue  # untyped in prometheus_client
        values.ValueClass = per_file(lambda: file_name)
        registry = CollectorRegistry()
        self.counters: dict[str, Counter] = {}
        self.histograms: dict[str, Histogram] = {}
        self.gauges: dict[str, Gauge] = {}
        for one in CATALOGUE:
            declared = (one.name, one.help, one.labels)
            match one.kind:
                case "counter":
                    self.counters[one.name] = Counter(*declared, registry=registry)
                case "histogram":
                    self.histograms[one.name] = Histogram(
                        *declared, registry=registry, buckets=one.buckets
                    )
                case "gauge" if not one.read_at_scrape:
                    # every gauge has a slot label, so the value written last is the current one
                    self.gauges[one.name] = Gauge(
                        *declared, registry=registry, multiprocess_mode="mostrecent"
                    )
        for one in CATALOGUE:
            for value in one.values:
                (self.counters | self.histograms)[one.name].labels(value)
