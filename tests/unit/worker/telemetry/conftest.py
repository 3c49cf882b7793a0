"""Metrics in a directory of the test, because prometheus_client has one mode per process."""

from pathlib import Path

import pytest
from prometheus_client import values

from funasr_fleet.worker.telemetry.metrics import Metrics, forget_counts


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker's directory without metrics; prometheus_client is restored at the end."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    forget_counts(tmp_path)
    return tmp_path


@pytest.fixture
def metrics(run_dir: Path) -> Metrics:
    """The metrics of the child of slot 0."""
    return Metrics(run_dir, "slot0")
