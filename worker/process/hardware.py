"""CPU cores and GPUs that this process may use, and what each child of a worker is pinned to."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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


CPU = "cpu"

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Each library that FunASR uses has its own thread pool and its own variable."""


class DeviceUnavailable(Exception):
    """A requested GPU was not found: correct FLEET_DEVICES or set FLEET_ON_MISSING_GPU=cpu."""


@dataclass(frozen=True, kw_only=True)
class SlotPlan:
    """What a child is pinned to. Its slot is its index among the worker's children."""

    slot: int
    visible: str
    """Value of CUDA_VISIBLE_DEVICES: this child's GPU, or empty."""
    device: str
    """torch's name of the device: cpu, or cuda:0, the only visible GPU."""
    threads: int
    """Intra-op threads of torch and every other library."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables to set before torch or funasr is imported."""
        limits = {name: str(self.threads) for name in _THREAD_VARIABLES}
        # With PCI_BUS_ID, CUDA numbers GPUs as NVML does. OMP_WAIT_POLICY keeps its default:
        # passive waiting between operators took 2.3 times as long (two cores, demo model)
        return {
            **limits,
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "CUDA_VISIBLE_DEVICES": self.visible,
        }


def choose_devices(
    wanted: str, gpus: Sequence[str], visible: str | None, on_missing: Literal["fail", "cpu"]
) -> tuple[str, ...]:
    """PURE: return the device of each child.

    Args:
        wanted: FLEET_DEVICES.
        gpus: UUIDs of the GPUs that NVML lists, by index.
        visible: the worker's own CUDA_VISIBLE_DEVICES, which restricts auto.
        on_missing: FLEET_ON_MISSING_GPU.

    Raises:
        DeviceUnavailable: a requested GPU was not found, and on_missing does not allow the CPU.
    """
    if wanted == "auto":
        names = _split(visible) if visible is not None else [str(i) for i in range(len(gpus))]
    else:
        names = _split(wanted)
    missing = [name for name in names if not _is_present(name, gpus)]
    if names and not missing:
        return tuple(names)
    if on_missing == CPU:
        return (CPU,) * max(1, len(names))
    problem = f"GPU {', '.join(missing)} was not found" if missing else "no GPU was found"
    raise DeviceUnavailable(
        f"{problem} ({len(gpus)} present); set FLEET_DEVICES=cpu to run on the CPU"
    )


def _split(devices: str) -> list[str]:
    return [name.strip() for name in devices.split(",") if name.strip()]


def _is_present(name: str, gpus: Sequence[str]) -> bool:
    if name == CPU:
        return True
    if name.isdigit():
        return int(name) < len(gpus)
    # NVIDIA accepts any unambiguous prefix of a UUID; MIG instances are not listed
    return name.startswith("MIG-") or any(gpu.startswith(name) for gpu in gpus)


def plan_slot(
    slot: int, devices: Sequence[str], cores: int, threads: Literal["auto"] | int
) -> SlotPlan:
    """PURE: plan the child of a slot.

    Args:
        slot: the child's index among the worker's children.
        devices: one name per child, from choose_devices.
        cores: physical cores that the whole worker may use.
        threads: FLEET_TORCH_THREADS; auto divides the cores evenly among the children.
    """
    name = devices[slot]
    return SlotPlan(
        slot=slot,
        visible="" if name == CPU else name,
        device=CPU if name == CPU else "cuda:0",
        threads=max(1, cores // len(devices)) if threads == "auto" else threads,
    )
