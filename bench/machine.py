"""Description of the machine in each result."""

import platform
from pathlib import Path

from funasr_fleet.worker.process.hardware import list_gpus, usable_cores


def describe_machine() -> dict[str, object]:
    """Return usable cores, CPU name, GPUs and Python version."""
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
