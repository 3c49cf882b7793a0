"""/metrics, /healthz and /readyz, and the device readings of each slot at a scrape."""

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from funasr_fleet.metric import Sample
from funasr_fleet.worker.process.health import MAX_FAILURES
from funasr_fleet.worker.process.heartbeat import NO_LIMITS
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE
from funasr_fleet.worker.telemetry.devices import DeviceReader
from funasr_fleet.worker.telemetry.metrics import Metrics
from funasr_fleet.worker.telemetry.server import Status

FAR_AHEAD_S = 1e12
"""A time of the monotonic clock, so that the child is still within its limit."""
LOADING = SlotState(slot=0, pid=0, state="loading", loading_since_s=FAR_AHEAD_S)
UP = SlotState(slot=0, pid=0, state="ready")
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
        ([UP], 200, 200),
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


def test_a_ready_worker_names_why_it_postpones_its_shards(tmp_path: Path) -> None:
    stuck = replace(UP, postponed_in_a_row=3, postponed_because="disk_full: no space")
    code, _, body = _status(tmp_path, stuck).page("/readyz")
    assert code == 200
    assert b"slot 0 postponed its last 3 shards: disk_full: no space" in body


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
    found, _, body = _status(tmp_path, UP).page(path)
    assert found == code
    assert code == 200 or b"/metrics" in body


def test_metrics_shows_every_name_that_the_catalogue_declares(run_dir: Path) -> None:
    Metrics(run_dir, "slot0")
    code, content_type, body = _status(run_dir, UP).page("/metrics")
    assert (code, content_type.split(";")[0]) == (200, "text/plain")
    unlabelled = [m for m in CATALOGUE if not m.labels or m.read_at_scrape]
    for metric in unlabelled:
        assert f"# TYPE {metric.name} {metric.kind}" in body.decode()
    assert 'asr_model_ready{slot="0"} 1.0' in body.decode()


LABELS = {metric.name: metric.labels for metric in CATALOGUE}
ON_CPU = SlotState(slot=0, pid=os.getpid(), state="ready", device="cpu", threads=2)
ON_GPU = SlotState(slot=1, pid=os.getpid(), state="ready", device="cuda:0", device_uuid="GPU-a")


class FakeNvml:
    """One GPU, half busy; some of its readings may not be supported."""

    NVML_TEMPERATURE_GPU = 0
    NVMLError = pynvml.NVMLError

    def __init__(self, unsupported: str = "") -> None:
        self._unsupported = unsupported

    def _read(self, name: str, value: Any) -> Any:
        if name == self._unsupported:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return value

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802 - NVML's name
        return uuid

    def nvmlDeviceGetMemoryInfo(self, _: str) -> Any:  # noqa: N802
        return self._read("memory", SimpleNamespace(used=30, total=80))

    def nvmlDeviceGetUtilizationRates(self, _: str) -> Any:  # noqa: N802
        return self._read("busy", SimpleNamespace(gpu=50))

    def nvmlDeviceGetTemperature(self, _: str, __: int) -> Any:  # noqa: N802
        return self._read("temperature", 61)

    def nvmlDeviceGetPowerUsage(self, _: str) -> Any:  # noqa: N802
        return self._read("power", 350_000)


def _read(*states: SlotState, nvml: FakeNvml | None = None) -> dict[tuple[str, ...], float]:
    reader = DeviceReader()
    reader._nvml = nvml
    readings: list[Sample] = list(reader.read(list(states)))
    for name, labels, _ in readings:
        assert len(labels) == len(LABELS[name])
    return {(name, *labels): value for name, labels, value in readings}


def test_a_child_on_the_cpu_has_memory_and_utilization() -> None:
    found = _read(ON_CPU)
    assert found["asr_model_ready", "0"] == 1
    assert found["asr_resident_bytes", "0"] > 1 << 20
    assert 0 <= found["asr_device_utilization_ratio", "0"] <= 1
    assert found["asr_device_memory_bytes", "0", "used"] == found["asr_resident_bytes", "0"]
    assert found["asr_device_memory_bytes", "0", "total"] > 1 << 20


def test_readings_of_a_gpu_are_in_base_units() -> None:
    found = _read(ON_GPU, nvml=FakeNvml())
    assert found["asr_device_memory_bytes", "1", "used"] == 30
    assert found["asr_device_memory_bytes", "1", "total"] == 80
    assert found["asr_device_utilization_ratio", "1"] == 0.5
    assert found["asr_device_temperature_celsius", "1"] == 61
    assert found["asr_device_power_watts", "1"] == 350


@pytest.mark.parametrize("unsupported", ["memory", "busy", "temperature", "power"])
def test_an_unsupported_reading_hides_no_other(unsupported: str) -> None:
    """Virtual and partitioned GPUs lack some readings; a scrape must return the others."""
    found = _read(ON_GPU, ON_CPU, nvml=FakeNvml(unsupported))
    whole = _read(ON_GPU, ON_CPU, nvml=FakeNvml())
    lost = {name for name in whole if name not in found}
    assert len(lost) == (2 if unsupported == "memory" else 1)
    assert {slot for _, slot, *_ in lost} == {"1"}


@pytest.mark.parametrize("on_device", [True, False])
def test_a_model_that_left_its_device_is_reported(on_device: bool) -> None:
    state = SlotState(slot=0, pid=os.getpid(), state="ready", device="cpu", on_device=on_device)
    assert _read(state)["asr_device_expected", "0"] == on_device


@pytest.mark.parametrize(("state", "ready"), [("ready", 1), ("loading", 0), ("failed", 0)])
def test_a_slot_is_ready_or_not(state: Any, ready: int) -> None:
    found = _read(SlotState(slot=3, pid=os.getpid(), state=state, device="cpu"))
    assert found["asr_model_ready", "3"] == ready


def test_a_dead_child_has_only_its_state() -> None:
    gone = SlotState(slot=0, pid=1 << 30, state="ready", device="cpu")
    assert {name for name, *_ in _read(gone)} == {
        "asr_model_ready",
        "asr_model_load_failures",
        "asr_child_deaths",
        "asr_planned_torch_threads",
        "asr_device_expected",
    }


def test_memory_of_torch_is_exported() -> None:
    state = SlotState(
        slot=0, pid=os.getpid(), state="ready", device="cpu", memory={"allocated": 5, "reserved": 9}
    )
    found = _read(state)
    assert found["asr_device_memory_bytes", "0", "allocated"] == 5
    assert found["asr_device_memory_bytes", "0", "reserved"] == 9
