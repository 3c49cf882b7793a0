"""/metrics, /healthz and /readyz: what a probe and a scrape are told."""

import time
from pathlib import Path

import pytest

from funasr_fleet.worker.process.health import MAX_FAILURES
from funasr_fleet.worker.process.heartbeat import NO_LIMITS
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE
from funasr_fleet.worker.telemetry.devices import DeviceReader
from funasr_fleet.worker.telemetry.metrics import Metrics
from funasr_fleet.worker.telemetry.server import Status

LOADING = SlotState(slot=0, pid=0, state="loading", loading_since_s=time.monotonic())
READY = SlotState(slot=0, pid=0, state="ready")
FAILED = SlotState(slot=0, pid=0, state="failed", failures_in_a_row=1, reason="no weights")
HOPELESS = SlotState(
    slot=0, pid=0, state="failed", failures_in_a_row=MAX_FAILURES, reason="no weights"
)


def _status(run_dir: Path, *states: SlotState) -> Status:
    SlotFiles(run_dir).start(1)
    for state in states:
        SlotFiles(run_dir).write(state)
    return Status(run_dir, DeviceReader(), NO_LIMITS)


@pytest.mark.parametrize(
    ("states", "health", "ready"),
    [
        ([], 200, 503),
        ([LOADING], 200, 503),
        ([READY], 200, 200),
        ([FAILED], 200, 503),
        ([HOPELESS], 503, 503),
    ],
)
def test_health_and_readiness_follow_the_state_of_the_slots(
    tmp_path: Path, states: list[SlotState], health: int, ready: int
) -> None:
    status = _status(tmp_path, *states)
    assert status.page("/healthz")[0] == health
    assert status.page("/readyz")[0] == ready


def test_a_failing_probe_has_a_reason(tmp_path: Path) -> None:
    status = _status(tmp_path, HOPELESS)
    for path in ("/healthz", "/readyz"):
        assert b"no weights" in status.page(path)[2]


def test_without_state_files_a_worker_is_healthy_and_not_ready(tmp_path: Path) -> None:
    status = Status(tmp_path, DeviceReader(), NO_LIMITS)
    assert status.page("/readyz")[0] == 503
    assert status.page("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [("/readyz/", 200), ("/readyz?verbose=1", 200), ("/", 404), ("/admin", 404), ("", 404)],
)
def test_paths_may_have_a_slash_or_a_query_and_unknown_ones_list_the_pages(
    tmp_path: Path, path: str, code: int
) -> None:
    found, _, body = _status(tmp_path, READY).page(path)
    assert found == code
    assert code == 200 or b"/metrics" in body


def test_metrics_shows_every_name_that_the_catalogue_declares(run_dir: Path) -> None:
    Metrics(run_dir, "slot0")
    code, content_type, body = _status(run_dir, READY).page("/metrics")
    assert (code, content_type.split(";")[0]) == (200, "text/plain")
    unlabelled = [m for m in CATALOGUE if not m.labels or m.read_at_scrape]
    for metric in unlabelled:
        assert f"# TYPE {metric.name} {metric.kind}" in body.decode()
    assert 'asr_model_ready{slot="0"} 1.0' in body.decode()
