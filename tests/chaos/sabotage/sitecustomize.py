"""Fault injection into workers: files whose first line is a command kill, block or delay them.

Python runs this module at startup, from a folder on PYTHONPATH. A file that begins with
    CHAOS-KILL        kills the worker child that has it decoded
    CHAOS-HANG        blocks that child in a system call
    CHAOS-SLOW n      delays that child by n seconds; the data after the line is then decoded
    DECODER-SIGNAL n  sends the signal n to the decoder process that decodes it
    DECODER-HANG      blocks the decoder process
    DECODER-MEMORY    allocates memory in the decoder process until there is none
"""

import functools
import importlib.machinery
import importlib.util
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_LINE_BYTES = 64

Decode = Callable[..., Iterator[Any]]


class SabotagedImport:
    """Imports the modules of PATCHES normally, and patches each before other modules see it."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in PATCHES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        loader: Any = spec and spec.loader
        if loader:
            loader.exec_module = functools.partial(_execute, loader.exec_module, PATCHES[name])
        return spec


def _execute(
    original: Callable[[ModuleType], None],
    patch: Callable[[ModuleType], None],
    module: ModuleType,
) -> None:
    original(module)
    patch(module)


def _patch_decoder(module: ModuleType) -> None:
    vars(module)["decode_pieces"] = decoder_sabotaged(vars(module)["decode_pieces"])


def _patch_child(module: ModuleType) -> None:
    reservation = vars(module)["Reservation"]
    reservation.blocks = child_sabotaged(reservation.blocks)


PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "funasr_fleet.worker.audio.decoding.decode": _patch_decoder,
    "funasr_fleet.worker.audio.decoder_pool": _patch_child,
}


def decoder_sabotaged(original: Decode) -> Decode:
    """decode_pieces, except for files that begin with a command for the decoder."""

    @functools.wraps(original)
    def decode_pieces(file: Any, *args: Any, **named: Any) -> Iterator[Any]:
        command, number = _command(file)
        if command == b"DECODER-SIGNAL":
            os.kill(os.getpid(), int(number))
        elif command == b"DECODER-HANG":
            signal.pause()
        elif command == b"DECODER-MEMORY":
            blocks = []
            while True:
                blocks.append(bytearray(1 << 24))
        yield from original(file, *args, **named)

    return decode_pieces


def child_sabotaged(original: Decode) -> Decode:
    """Reservation.blocks, except for files that begin with a command for the child."""

    @functools.wraps(original)
    def blocks(self: Any, file: Any, *args: Any, **named: Any) -> Iterator[Any]:
        command, number = _command(file)
        if command == b"CHAOS-KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        elif command == b"CHAOS-HANG":
            silent, _ = os.pipe()
            os.read(silent, 1)  # nothing is ever written
        elif command == b"CHAOS-SLOW":
            time.sleep(number)
            file.readline()
            rest = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the generator
            rest.write(file.read())
            file = rest
        yield from original(self, file, *args, **named)

    return blocks


def _command(file: Any) -> tuple[bytes, float]:
    """The command in the first line of a file, and its number; the position is then 0."""
    command, _, number = file.readline(_LINE_BYTES).strip().partition(b" ")
    file.seek(0)
    if not command.startswith((b"CHAOS-", b"DECODER-")):
        return b"", 0.0
    return command, float(number or 0)


def _run_next_sitecustomize() -> None:
    """Run the next sitecustomize on the path: Python runs only the first."""
    here = Path(__file__).resolve().parent
    others = [place for place in sys.path if Path(place).resolve() != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


sys.meta_path.insert(0, SabotagedImport)
_run_next_sitecustomize()
