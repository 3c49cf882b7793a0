"""PURE: which device, how many threads and which environment a worker child gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CPU = "cpu"

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Each library that FunASR brings has a thread pool of its own; all must be told."""


class DeviceUnavailable(Exception):
    """A device asked for is not there: correct FLEET_DEVICES or set FLEET_ON_MISSING_GPU=cpu."""


@dataclass(frozen=True, kw_only=True)
class SlotPlan:
    """What one child is pinned to. Its slot is its index among the worker's children."""

    slot: int
    visible: str
    """Value for CUDA_VISIBLE_DEVICES: the one GPU of this child, or nothing."""
    device: str
    """The device in torch's words: cuda:0 is the only visible one."""
    threads: int
    """Threads within an operator, for torch and every other library."""

    @property
    def environment(self) -> dict[str, str]:
        """What must be set before torch or funasr is imported."""
        limits = {name: str(self.threads) for name in _THREAD_VARIABLES}
        # GPU numbers mean the same to CUDA as to NVML. OMP_WAIT_POLICY is left alone: threads that
        # sleep between operators instead of spinning took 2.3 times as long (two cores, demo model)
        return {
            **limits,
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "CUDA_VISIBLE_DEVICES": self.visible,
        }


def choose_devices(
    wanted: str, gpus: Sequence[str], visible: str | None, on_missing: Literal["fail", "cpu"]
) -> tuple[str, ...]:
    """Name the device of each child.

    Args:
        wanted: FLEET_DEVICES.
        gpus: what NVML lists, each as its UUID, by index.
        visible: CUDA_VISIBLE_DEVICES as the worker found it; it narrows what auto means.
        on_missing: FLEET_ON_MISSING_GPU.

    Raises:
        DeviceUnavailable: when a GPU asked for is not there and the CPU was not allowed instead.
    """
    if wanted == "auto":
        asked = _named(visible) if visible is not None else [str(i) for i in range(len(gpus))]
    else:
        asked = _named(wanted)
    missing = [name for name in asked if not _present(name, gpus)]
    if asked and not missing:
        return tuple(asked)
    if on_missing == CPU:
        return (CPU,) * max(1, len(asked))
    what = f"GPU {', '.join(missing)} is not there" if missing else "no GPU was found"
    raise DeviceUnavailable(
        f"{what} ({len(gpus)} present); set FLEET_DEVICES=cpu to work on the CPU"
    )


def _named(devices: str) -> list[str]:
    return [name.strip() for name in devices.split(",") if name.strip()]


def _present(name: str, gpus: Sequence[str]) -> bool:
    if name == CPU:
        return True
    if name.isdigit():
        return int(name) < len(gpus)
    # NVIDIA accepts any unambiguous beginning of a UUID; MIG instances are not listed
    return name.startswith("MIG-") or any(gpu.startswith(name) for gpu in gpus)


def plan_slot(
    slot: int, devices: Sequence[str], cores: int, threads: Literal["auto"] | int
) -> SlotPlan:
    """Pin the child of this index.

    Args:
        slot: the child's index among the worker's children.
        devices: one name per child, from choose_devices.
        cores: physical cores that the whole worker may use.
        threads: FLEET_TORCH_THREADS; auto shares the cores out evenly.
    """
    name = devices[slot]
    return SlotPlan(
        slot=slot,
        visible="" if name == CPU else name,
        device=CPU if name == CPU else "cuda:0",
        threads=max(1, cores // len(devices)) if threads == "auto" else threads,
    )
