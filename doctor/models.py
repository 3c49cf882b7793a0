"""The models load on each device here, and hear the canary."""

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

from contract.settings import Settings
from doctor.finding import Finding
from worker.failures import ModelUnusable
from worker.machine import usable_cores
from worker.pinning import SlotPlan, plan_slot

_ADVICE = "until this is mended, no worker starts"

Load = Callable[[Settings, SlotPlan], Finding]


def look_at_models(
    settings: Settings, devices: Sequence[str], load: Load | None = None
) -> Iterator[Finding]:
    """Do what the children of a worker would do before their first task; a row per device.

    One after the other: on one device they would do the same, and together they would hide which
    of them runs out of memory.

    Args:
        settings: what this machine's processes would have.
        devices: one name per child, from choose_devices.
        load: does it for one child; by default in a process of its own.
    """
    names = list(dict.fromkeys(devices))
    for name in names:
        plan = plan_slot(devices.index(name), devices, usable_cores(), settings.torch_threads)
        row = "model" if len(names) == 1 else f"model {name}"
        yield replace((load or load_apart)(settings, plan), row=row)


def load_apart(settings: Settings, plan: SlotPlan) -> Finding:
    """In a process that ends after it: CUDA shows a process one choice of GPUs only, the first."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        try:
            return pool.submit(load_here, settings, plan).result()
        except BrokenProcessPool:
            told = f"{settings.model} on {_device(plan)}: the process was killed while it loaded"
            advice = "there was too little memory for it, perhaps; the kernel's log says so"
            return Finding("model", "error", told, advice, unreachable=True)


def load_here(settings: Settings, plan: SlotPlan) -> Finding:
    """In this process, which must not have imported torch."""
    os.environ.update(plan.environment)  # before anything imports torch
    begun = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # FunASR prints
            from worker.engine.build import build_engine

            engine = build_engine(settings, plan)
    except Exception as error:  # a child ends by any; here the other rows must not be lost
        kind = "" if isinstance(error, ModelUnusable) else f"{type(error).__name__}: "
        told = f"{_device(plan)}: {kind}{error}"
        return Finding("model", "error", told, _ADVICE, unreachable=True)
    seconds = time.monotonic() - begun
    slow = [name for name, taken in engine.fast_paths.items() if not taken]
    where, model = _device(plan), engine.identity.model
    told = f"{model} loads on {where} in {seconds:.0f} s and hears the canary"
    if slow:
        advice = "it works, but slower; the worker's log says why"
        return Finding("model", "warning", f"{told}; FunASR's own {', '.join(slow)}", advice)
    return Finding("model", "ok", told)


def _device(plan: SlotPlan) -> str:
    """By the name that FLEET_DEVICES has for it; torch calls each child's cuda:0."""
    return f"GPU {plan.visible}" if plan.visible.isdigit() else plan.visible or plan.device
