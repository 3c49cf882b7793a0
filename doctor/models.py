"""The models load here, and hear the canary."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence

from contract.settings import Settings
from doctor.finding import Finding
from worker.failures import ModelUnusable
from worker.machine import usable_cores
from worker.pinning import plan_slot


def look_at_models(settings: Settings, devices: Sequence[str]) -> Finding:
    """Do what the first child of a worker would do before its first task."""
    plan = plan_slot(0, devices, usable_cores(), settings.torch_threads)
    os.environ.update(plan.environment)  # before anything imports torch
    begun = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # FunASR prints
            from worker.engine.build import build_engine

            engine = build_engine(settings, plan)
    except ModelUnusable as error:
        advice = "until this is mended, no worker starts"
        return Finding("model", "error", str(error), advice, unreachable=True)
    seconds, identity = time.monotonic() - begun, engine.identity
    slow = [name for name, taken in engine.fast_paths.items() if not taken]
    told = f"{identity.model} loads on {identity.device} in {seconds:.0f} s and hears the canary"
    if slow:
        advice = "it works, but slower; the worker's log says why"
        return Finding("model", "warning", f"{told}; FunASR's own {', '.join(slow)}", advice)
    return Finding("model", "ok", told)
