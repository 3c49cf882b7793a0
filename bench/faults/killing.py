"""Sends signals to the processes of one worker."""

import contextlib
import os
import signal

import psutil

from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState

DECODER = "funasr_fleet.worker.audio.decoding.process"
"""Module that a decoder process runs."""


def slots(worker: LocalWorker) -> list[SlotState]:
    """Return the state of each child of the running worker; empty before it has started."""
    with contextlib.suppress(LookupError, OSError, ValueError):
        return SlotFiles(worker.run_dir / str(worker.process.group)).all()
    return []


def is_ready(worker: LocalWorker) -> bool:
    """Whether every child is alive and has loaded its model."""
    states = slots(worker)
    return bool(states) and all(
        state.state == "ready" and psutil.pid_exists(state.pid) for state in states
    )


def kill_child(worker: LocalWorker, slot: int = 0) -> int:
    """Send SIGKILL to one child, as the kernel does when memory runs out; return its pid.

    Raises:
        LookupError: the slot has no child.
    """
    found = [state.pid for state in slots(worker) if state.slot == slot and state.pid]
    if not found:
        raise LookupError(f"slot {slot} has no child")
    os.kill(found[0], signal.SIGKILL)
    return found[0]


def kill_decoders(worker: LocalWorker, slot: int = 0) -> list[int]:
    """Send SIGKILL to the decoder processes of one child; return their pids."""
    pids = [state.pid for state in slots(worker) if state.slot == slot and state.pid]
    found = [one for pid in pids for one in decoders_of(pid)]
    for decoder in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(decoder, signal.SIGKILL)
    return found


def decoders_of(child: int) -> list[int]:
    """Return the pids of a child's decoder processes."""
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(child).children()
        return [one.pid for one in started if DECODER in one.cmdline()]
    return []


def kill_worker(worker: LocalWorker) -> None:
    """Send SIGKILL to parent, children and metrics server at once, as if the host failed."""
    os.killpg(worker.process.group, signal.SIGKILL)


def ask_to_stop(worker: LocalWorker) -> None:
    """Send SIGTERM to the parent, as Kubernetes and systemd do; a second one requeues at once."""
    os.kill(worker.process.group, signal.SIGTERM)
