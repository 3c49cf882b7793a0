"""What a result says of the machine that it was measured on."""

import platform
from pathlib import Path

from worker.machine import list_gpus, usable_cores


def describe_machine() -> dict[str, object]:
    """Cores that may be used, the processor's name, GPUs, Python."""
    return {
        "cores": usable_cores(),
        "processor": _processor(),
        "gpus": [gpu.name for gpu in list_gpus()],
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
