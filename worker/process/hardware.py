"""Hardware available to this process: physical cores within affinity and quota, and GPUs."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CPU = Path("/sys/devices/system/cpu")
_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU as listed by NVML."""

    index: int
    name: str
    uuid: str
    memory_bytes: int


def usable_cores() -> int:
    """Count the physical cores that this process may use, by CPU affinity and cgroup quota."""
    cpus = _affinity()
    cores = {_siblings(cpu) for cpu in cpus}
    quota = _quota_cpus()
    return max(1, min(len(cores), math.ceil(quota) if quota else len(cores)))


def _affinity() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))  # macOS has no affinity


def _siblings(cpu: int) -> str:
    """Return a key shared by all hyper-threads of a core; the CPU's number if it is unknown."""
    try:
        return (_CPU / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota_cpus() -> float | None:
    """Return the lowest CPU quota of the enclosing cgroups, in CPUs; None without a limit."""
    limits = [_quota_v2(directory) for directory in _own_cgroups()]
    limits.append(_quota_v1())
    return min((limit for limit in limits if limit is not None), default=None)


def _own_cgroups() -> list[Path]:
    """Return this process's cgroup (v2) and its ancestors; a container sees its own as the root."""
    try:
        lines = _OWN_CGROUP.read_text().splitlines()
    except OSError:
        lines = []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    inner = _CGROUP / own
    return [inner, *(above for above in inner.parents if above.is_relative_to(_CGROUP))]


def _quota_v2(directory: Path) -> float | None:
    try:
        quota, period = (directory / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _quota_v1() -> float | None:
    try:
        quota_us = int((_CGROUP / "cpu/cpu.cfs_quota_us").read_text())
        period_us = int((_CGROUP / "cpu/cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota_us / period_us if quota_us > 0 else None


def list_gpus() -> list[Gpu]:
    """List NVIDIA GPUs without initialising CUDA, which would break in a forked child."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_describe(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def _describe(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return Gpu(
        index=index,
        name=nvml.nvmlDeviceGetName(handle),
        uuid=nvml.nvmlDeviceGetUUID(handle),
        memory_bytes=nvml.nvmlDeviceGetMemoryInfo(handle).total,
    )
