"""Devices, threads, folder and port of a worker here."""

import os
import tempfile
from collections.abc import Generator, Sequence

from contract.settings import BadConfiguration, Settings
from doctor.finding import Finding
from worker.boot import check_port
from worker.machine import Gpu, list_gpus, usable_cores
from worker.pinning import DeviceUnavailable, choose_devices, plan_slot
from worker.private_directory import claim_numba_cache, claim_private

_THREADS_WORTH_HAVING = 2


def look_at_machine(settings: Settings) -> Generator[Finding, None, tuple[str, ...]]:
    """Four rows; returns the device of each child, none when a worker would not start."""
    folder = _folder(settings)
    yield folder
    yield _port(settings)
    gpus = list_gpus()
    try:
        devices = choose_devices(
            settings.devices,
            [gpu.uuid for gpu in gpus],
            os.environ.get("CUDA_VISIBLE_DEVICES"),
            settings.on_missing_gpu,
        )
    except DeviceUnavailable as error:
        advice = (DeviceUnavailable.__doc__ or "").strip()
        yield Finding("devices", "error", str(error), advice)
        return ()
    yield judge_devices(devices, gpus)
    threads = plan_slot(0, devices, usable_cores(), settings.torch_threads).threads
    yield judge_threads(threads, len(devices), usable_cores())
    # where others can write, loading the models would run what they left
    return () if folder.verdict == "error" else devices


def _folder(settings: Settings) -> Finding:
    folder = settings.run_dir
    try:
        claim_private(folder)
        claim_numba_cache(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except BadConfiguration as error:
        advice = "until this is corrected, no worker starts"
        return Finding("run folder", "error", str(error), advice)
    except OSError as error:
        advice = "set FLEET_RUN_DIR to a folder that the worker may write"
        return Finding("run folder", "error", f"{folder}: {error.strerror}", advice)
    return Finding("run folder", "ok", f"{folder} can be written, by this user alone")


def _port(settings: Settings) -> Finding:
    if not settings.metrics_port:
        return Finding("port", "skipped", "metrics are turned off")
    try:
        check_port(settings.metrics_port)
    except BadConfiguration as error:
        return Finding("port", "warning", str(error), "a worker that runs already has it, perhaps")
    return Finding("port", "ok", f"{settings.metrics_port} is free")


def judge_devices(devices: Sequence[str], gpus: Sequence[Gpu]) -> Finding:
    """Which device each child gets, and whether a GPU lies idle."""
    names = "; ".join(f"GPU {gpu.index} {gpu.name}, {gpu.memory_bytes >> 30} GiB" for gpu in gpus)
    told = f"{len(devices)} children, on {', '.join(devices)} (present: {names or 'no GPU'})"
    idle = _idle(devices, gpus)
    if idle:
        lie = f"GPU {', '.join(idle)} {'lies' if len(idle) == 1 else 'lie'} idle"
        advice = f"{lie}: FLEET_DEVICES=auto takes all that CUDA_VISIBLE_DEVICES allows"
        return Finding("devices", "warning", told, advice)
    return Finding("devices", "ok", told)


def _idle(devices: Sequence[str], gpus: Sequence[Gpu]) -> list[str]:
    """Indexes of the GPUs that no child gets; none where a part of a GPU may be any one's."""
    if any(name.startswith("MIG-") for name in devices):
        return []
    return [str(gpu.index) for gpu in gpus if not any(_is(name, gpu) for name in devices)]


def _is(name: str, gpu: Gpu) -> bool:
    return name == str(gpu.index) or gpu.uuid.startswith(name)


def judge_threads(threads: int, children: int, cores: int) -> Finding:
    """Whether the children's threads have cores of their own."""
    told = f"{threads} threads for each of {children} children, {cores} physical cores"
    if threads * children > cores and threads == 1:
        advice = "children that share a core are slow: more cores, or fewer children"
        return Finding("threads", "warning", told, f"{advice} by FLEET_DEVICES")
    if threads * children > cores:
        advice = "threads that wait for each other are slow: FLEET_TORCH_THREADS=auto"
        return Finding("threads", "warning", told, advice)
    if threads < _THREADS_WORTH_HAVING:
        advice = "decoding wants two cores per GPU at least"
        return Finding("threads", "warning", told, advice)
    return Finding("threads", "ok", told)
