"""Checks that the models load on each device of this machine and transcribe the canary."""

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

from funasr_fleet.doctor.finding import Finding
from funasr_fleet.settings import Settings
from funasr_fleet.worker.errors import ModelUnusable
from funasr_fleet.worker.process.hardware import SlotPlan, plan_slot, usable_cores

_ADVICE = "fix this: no worker starts otherwise"

Load = Callable[[Settings, SlotPlan], Finding]


def check_models(
    settings: Settings, devices: Sequence[str], load: Load | None = None
) -> Iterator[Finding]:
    """Load the models as the children of a worker would before their first task.

    Each device is checked once, since several children on one would only repeat the check, and one
    device at a time, so that running out of memory can be attributed to a device.

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
    """load_here in a separate process: CUDA applies only a process's first choice of GPUs."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        try:
            return pool.submit(load_here, settings, plan).result()
        except BrokenProcessPool:
            detail = f"{settings.model} on {_device(plan)}: the process was killed while it loaded"
            advice = "perhaps it ran out of memory; check the kernel log"
            return Finding("model", "error", detail, advice, unreachable=True)


def load_here(settings: Settings, plan: SlotPlan) -> Finding:
    """Load the models in this process, which must not have imported torch."""
    os.environ.update(plan.environment)  # before anything imports torch
    begun = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # FunASR prints to stdout
            from funasr_fleet.worker.engine.loader import build_engine

            engine = build_engine(settings, plan)
    except Exception as error:  # report any error, so that the other findings are not lost
        kind = "" if isinstance(error, ModelUnusable) else f"{type(error).__name__}: "
        detail = f"{_device(plan)}: {kind}{error}"
        return Finding("model", "error", detail, _ADVICE, unreachable=True)
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
