"""Counting into a directory of the test's own: prometheus_client keeps its mode per process."""

from pathlib import Path

import pytest
from prometheus_client import values

from funasr_fleet.worker.telemetry.metrics import Metrics, forget_counts


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker's directory with no counts in it; prometheus_client is put back at the end."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    forget_counts(tmp_path)
    return tmp_path


@pytest.fixture
def metrics(run_dir: Path) -> Metrics:
    """What the child of slot 0 counts."""
    return Metrics(run_dir, "slot0")
