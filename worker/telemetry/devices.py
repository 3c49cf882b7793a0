"""Readings of NVML and psutil for each slot, taken by the metrics server at each scrape."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import psutil

from funasr_fleet.metric import Sample
from funasr_fleet.worker.process.slot_state import SlotState

_BUSY = "asr_device_utilization_ratio"
_MEMORY = "asr_device_memory_bytes"


@dataclass
class DeviceReader:
    """Reads every slot's device.

    It keeps the psutil processes, which compute CPU utilization from two consecutive readings.
    """

    _processes: dict[int, psutil.Process] = field(default_factory=dict)

    def read(self, states: list[SlotState]) -> Iterator[Sample]:
        """Yield the samples of every slot; those of the process are left out if it has exited."""
        for state in states:
            slot = (str(state.slot),)
            yield "asr_model_ready", slot, float(state.state == "ready")
            yield "asr_model_load_failures", slot, float(state.failures_in_a_row)
            yield "asr_child_deaths", slot, float(state.deaths_in_a_row)
            yield "asr_planned_torch_threads", slot, float(state.threads)
            yield "asr_device_expected", slot, float(state.on_device)
            try:
                yield from self._read_process(state, slot)
            except psutil.Error:
                self._processes.pop(state.pid, None)
            if state.device_uuid:
                yield from self._read_gpu(state, slot)
            for kind, size in (state.memory or {}).items():
                yield _MEMORY, (*slot, kind), float(size)

    def _read_process(self, state: SlotState, slot: tuple[str, ...]) -> Iterator[Sample]:
        process = self._processes.setdefault(state.pid, psutil.Process(state.pid))
        resident = float(process.memory_info().rss)
        yield "asr_resident_bytes", slot, resident
        if state.device == "cpu":
            share = process.cpu_percent() / 100 / state.threads
            yield _BUSY, slot, min(1.0, share)
            yield _MEMORY, (*slot, "used"), resident
            yield _MEMORY, (*slot, "total"), float(psutil.virtual_memory().total)

    def _read_gpu(self, state: SlotState, slot: tuple[str, ...]) -> Iterator[Sample]:
        """Yield the readings that this GPU supports; consumer cards and MIG instances lack some."""
        nvml = self._nvml
        try:
            handle = nvml.nvmlDeviceGetHandleByUUID(state.device_uuid)
        except nvml.NVMLError:
            return  # the GPU is lost or removed; missing samples show it
        readings: tuple[tuple[str, tuple[str, ...], Callable[[], float]], ...] = (
            (_MEMORY, (*slot, "used"), lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used),
            (_MEMORY, (*slot, "total"), lambda: nvml.nvmlDeviceGetMemoryInfo(handle).total),
            (_BUSY, slot, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100),
            (
                "asr_device_temperature_celsius",
                slot,
                lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
            ),
            ("asr_device_power_watts", slot, lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
        )
        for name, labels, read in readings:
            with contextlib.suppress(nvml.NVMLError):
                yield name, labels, float(read())

    @cached_property
    def _nvml(self) -> Any:
        import pynvml

        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
        return pynvml
