"""Checks of a worker on this machine: run directory, port, devices, threads, models."""

import contextlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

from funasr_fleet.doctor import Finding
from funasr_fleet.settings import BadConfiguration, Settings
from funasr_fleet.worker.app.launch import check_port
from funasr_fleet.worker.audio.decoding.confinement import landlock_version
from funasr_fleet.worker.errors import ModelUnusable
from funasr_fleet.worker.process.hardware import (
    DeviceUnavailable,
    Gpu,
    SlotPlan,
    choose_devices,
    list_gpus,
    plan_slot,
    usable_cores,
)
from funasr_fleet.worker.process.private_directory import claim_numba_cache, claim_private

_MIN_THREADS = 2


def check_machine(settings: Settings) -> Generator[Finding, None, tuple[str, ...]]:
    """Yield up to five findings; return each child's device, none if a worker would not start."""
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
    yield check_devices(devices, gpus)
    threads = plan_slot(0, devices, usable_cores(), settings.torch_threads).threads
    yield check_threads(threads, len(devices), usable_cores())
    yield check_confinement(landlock_version())
    # if other users can write to the directory, loading the models could run their code
    return () if folder.verdict == "error" else devices


def _folder(settings: Settings) -> Finding:
    folder = settings.run_dir
    try:
        claim_private(folder)
        claim_numba_cache(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except BadConfiguration as error:
        advice = "fix this: no worker starts otherwise"
        return Finding("run folder", "error", str(error), advice)
    except OSError as error:
        advice = "set FLEET_RUN_DIR to a directory that the worker can write to"
        return Finding("run folder", "error", f"{folder}: {error.strerror}", advice)
    return Finding("run folder", "ok", f"{folder} is writable by this user only")


def _port(settings: Settings) -> Finding:
    if not settings.metrics_port:
        return Finding("port", "skipped", "metrics are disabled")
    try:
        check_port(settings.metrics_host, settings.metrics_port)
    except BadConfiguration as error:
        return Finding("port", "warning", str(error), "perhaps another worker is using it")
    return Finding("port", "ok", f"{settings.metrics_port} is free")


def check_devices(devices: Sequence[str], gpus: Sequence[Gpu]) -> Finding:
    """Report the device of each child, and warn about idle GPUs."""
    names = "; ".join(f"GPU {gpu.index} {gpu.name}, {gpu.memory_bytes >> 30} GiB" for gpu in gpus)
    detail = f"{len(devices)} children, on {', '.join(devices)} (present: {names or 'no GPU'})"
    idle = _idle(devices, gpus)
    if idle:
        unused = f"GPU {', '.join(idle)} {'is' if len(idle) == 1 else 'are'} idle"
        advice = f"{unused}: FLEET_DEVICES=auto uses all GPUs that CUDA_VISIBLE_DEVICES allows"
        return Finding("devices", "warning", detail, advice)
    return Finding("devices", "ok", detail)


def _idle(devices: Sequence[str], gpus: Sequence[Gpu]) -> list[str]:
    """Indexes of the GPUs without a child; none with MIG devices, whose GPU is not known."""
    if any(name.startswith("MIG-") for name in devices):
        return []
    return [str(gpu.index) for gpu in gpus if not any(_is(name, gpu) for name in devices)]


def _is(name: str, gpu: Gpu) -> bool:
    return name == str(gpu.index) or gpu.uuid.startswith(name)


def check_confinement(version: int) -> Finding:
    """Check whether Landlock confines decoder processes; version 0 means that it is unavailable."""
    if version:
        return Finding("decoders", "ok", f"confined by Landlock, version {version}")
    told = "confined only by resource limits: Landlock is not available"
    advice = "use Linux 5.13 or later with Landlock enabled, and a container that allows it"
    return Finding("decoders", "warning", told, advice)


def check_threads(threads: int, children: int, cores: int) -> Finding:
    """Check whether each thread of the children has its own core."""
    detail = f"{threads} threads for each of {children} children, {cores} physical cores"
    if threads * children > cores and threads == 1:
        advice = "children that share a core are slow: use more cores, or fewer children"
        return Finding("threads", "warning", detail, f"{advice} (FLEET_DEVICES)")
    if threads * children > cores:
        advice = "threads that share a core are slow: set FLEET_TORCH_THREADS=auto"
        return Finding("threads", "warning", detail, advice)
    if threads < _MIN_THREADS:
        advice = "decoding needs at least two cores per GPU"
        return Finding("threads", "warning", detail, advice)
    return Finding("threads", "ok", detail)


_ADVICE = "fix this: no worker starts otherwise"

Load = Callable[[Settings, SlotPlan], Finding]


def check_models(
    settings: Settings, devices: Sequence[str], load: Load | None = None
) -> Iterator[Finding]:
    """Load the models as the children of a worker would before their first task.

    Each device is checked once: another child on it would only repeat the check. Devices are
    checked one after the other, so that running out of memory can be attributed to one of them.

    Args:
        settings: the settings of this machine's processes.
        devices: one name per child, from choose_devices.
        load: loads the models of one child; by default in a separate process.

    Yields:
        One finding per device.
    """
    names = list(dict.fromkeys(devices))
    for name in names:
        plan = plan_slot(devices.index(name), devices, usable_cores(), settings.torch_threads)
        row = "model" if len(names) == 1 else f"model {name}"
        yield replace((load or load_apart)(settings, plan), row=row)


def load_apart(settings: Settings, plan: SlotPlan) -> Finding:
    """Run load_here in a separate process: CUDA applies only a process's first choice of GPUs."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        try:
            return pool.submit(load_here, settings, plan).result()
        except BrokenProcessPool:
            detail = f"{settings.model} on {_device(plan)}: the process was killed while it loaded"
            advice = "perhaps it ran out of memory; check the kernel log"
            return Finding("model", "error", detail, advice, unreachable=True)
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()  # otherwise leaving the block waits until the models are loaded
            raise


def load_here(settings: Settings, plan: SlotPlan) -> Finding:
    """Load the models in this process, which must not have imported torch."""
    os.environ.update(plan.environment)  # before anything imports torch
    begun = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # FunASR prints to stdout
            from funasr_fleet.worker.engine.loader import build_engine

            engine = build_engine(settings, plan)
    except Exception as error:  # report any error, so that the other findings are not lost
        explained = isinstance(error, BadConfiguration | ModelUnusable)
        detail = f"{_device(plan)}: {'' if explained else f'{type(error).__name__}: '}{error}"
        wrong_settings = isinstance(error, BadConfiguration)
        return Finding("model", "error", detail, _ADVICE, unreachable=not wrong_settings)
    seconds = time.monotonic() - begun
    slow = [name for name, taken in engine.fast_paths.items() if not taken]
    where, model = _device(plan), engine.identity.model
    detail = f"{model} loads on {where} in {seconds:.0f} s and transcribes the canary"
    if slow:
        advice = "it works, but more slowly; see the worker's log for the reason"
        detail += f"; stock FunASR path for {', '.join(slow)}"
        return Finding("model", "warning", detail, advice)
    return Finding("model", "ok", detail)


def _device(plan: SlotPlan) -> str:
    """The device's name in FLEET_DEVICES; torch calls every child's GPU cuda:0."""
    return f"GPU {plan.visible}" if plan.visible.isdigit() else plan.visible or plan.device
