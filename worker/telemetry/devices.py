"""What NVML and psutil say of each slot, read by the server at every scrape."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from worker.slots import SlotState

Reading = tuple[str, tuple[str, ...], float]
"""A metric's name, its labels' values, its value."""


@dataclass
class DeviceReader:
    """Reads every slot's device; keeps what psutil needs to tell a share from two readings."""

    _processes: dict[int, psutil.Process] = field(default_factory=dict)
    _nvml: Any = None

    def read(self, states: list[SlotState]) -> Iterator[Reading]:
        """Every reading of every slot; a child that is gone gives none."""
        for state in states:
            slot = (str(state.slot),)
            yield "asr_model_ready", slot, float(state.state == "ready")
            yield "asr_device_expected", slot, float(state.state == "ready")
            try:
                yield from self._read_process(state, slot)
            except psutil.Error:
                self._processes.pop(state.pid, None)
            if state.device_uuid:
                yield from self._read_gpu(state, slot)
            for kind, size in (state.memory or {}).items():
                yield "asr_device_memory_bytes", (*slot, kind), float(size)

    def _read_process(self, state: SlotState, slot: tuple[str, ...]) -> Iterator[Reading]:
        process = self._processes.setdefault(state.pid, psutil.Process(state.pid))
        resident = float(process.memory_info().rss)
        yield "asr_resident_bytes", slot, resident
        if state.device == "cpu":
            share = process.cpu_percent() / 100 / state.threads
            yield "asr_device_utilization_ratio", slot, min(1.0, share)
            yield "asr_device_memory_bytes", (*slot, "used"), resident
            yield "asr_device_memory_bytes", (*slot, "total"), float(psutil.virtual_memory().total)

    def _read_gpu(self, state: SlotState, slot: tuple[str, ...]) -> Iterator[Reading]:
        import pynvml

        if self._nvml is None:
            pynvml.nvmlInit()
            self._nvml = pynvml
        nvml = self._nvml
        handle = nvml.nvmlDeviceGetHandleByUUID(state.device_uuid)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        yield "asr_device_memory_bytes", (*slot, "used"), float(memory.used)
        yield "asr_device_memory_bytes", (*slot, "total"), float(memory.total)
        busy = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
        yield "asr_device_utilization_ratio", slot, busy
        celsius = nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
        yield "asr_device_temperature_celsius", slot, float(celsius)
        watts = nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        yield "asr_device_power_watts", slot, watts
