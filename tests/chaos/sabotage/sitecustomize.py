"""Fault injection into workers: files whose first line is a command kill, block or delay them.

Python runs this module at startup, from a folder on PYTHONPATH. A file that begins with
    CHAOS-KILL      kills the process that decodes it
    CHAOS-HANG      blocks in a system call
    CHAOS-SLOW n    waits n seconds; the data after the line is then decoded
"""

import functools
import importlib.machinery
import importlib.util
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_TARGET = "funasr_fleet.worker.audio.decode"
_LINE_BYTES = 64

Decode = Callable[..., Iterator[Any]]


class SabotagedImport:
    """Imports worker.audio.decode normally, and patches it before other modules see it."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _TARGET:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        loader: Any = spec and spec.loader
        if loader:
            loader.exec_module = functools.partial(_execute, loader.exec_module)
        return spec


def _execute(original: Callable[[ModuleType], None], module: ModuleType) -> None:
    original(module)
    vars(module)["decode_pieces"] = sabotaged(vars(module)["decode_pieces"])


def sabotaged(original: Decode) -> Decode:
    """decode_pieces, except for files that begin with a command."""

    @functools.wraps(original)
    def decode_pieces(file: Any, *args: Any, **named: Any) -> Iterator[Any]:
        order, _, number = file.readline(_LINE_BYTES).strip().partition(b" ")
        if not order.startswith(b"CHAOS-"):
            file.seek(0)
            yield from original(file, *args, **named)
            return
        _run_command(order, float(number or 0))
        yield from original(io.BytesIO(file.read()), *args, **named)

    return decode_pieces


def _run_command(order: bytes, seconds: float) -> None:
    if order == b"CHAOS-KILL":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order == b"CHAOS-HANG":
        silent, _ = os.pipe()
        os.read(silent, 1)  # nothing is ever written
    elif order == b"CHAOS-SLOW":
        time.sleep(seconds)


def _run_next_sitecustomize() -> None:
    """Run the next sitecustomize on the path: Python runs only the first."""
    here = Path(__file__).resolve().parent
    others = [place for place in sys.path if Path(place).resolve() != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


sys.meta_path.insert(0, SabotagedImport)
_run_next_sitecustomize()
