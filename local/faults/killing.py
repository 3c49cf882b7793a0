"""The processes of one worker, and signals to them."""

import contextlib
import os
import signal

import psutil

from local.worker import LocalWorker
from worker.slots import SlotFiles, SlotState


def slots(worker: LocalWorker) -> list[SlotState]:
    """What each child of the worker that runs now says of itself; none before it has begun."""
    with contextlib.suppress(LookupError, OSError, ValueError):
        return SlotFiles(worker.run_dir / str(worker.process.group)).all()
    return []


def is_ready(worker: LocalWorker) -> bool:
    """Whether every child lives and has its model."""
    states = slots(worker)
    return bool(states) and all(
        state.state == "ready" and psutil.pid_exists(state.pid) for state in states
    )


def kill_child(worker: LocalWorker, slot: int = 0) -> int:
    """SIGKILL one child, as the kernel does when memory runs out; returns its pid.

    Raises:
        LookupError: there is none.
    """
    found = [state.pid for state in slots(worker) if state.slot == slot and state.pid]
    if not found:
        raise LookupError(f"slot {slot} has no child")
    os.kill(found[0], signal.SIGKILL)
    return found[0]


def kill_worker(worker: LocalWorker) -> None:
    """SIGKILL parent, children and metrics server at once, as a host that is gone."""
    os.killpg(worker.process.group, signal.SIGKILL)


def ask_to_stop(worker: LocalWorker) -> None:
    """SIGTERM to the parent alone, as Kubernetes and systemd do; a second one is more urgent."""
    os.kill(worker.process.group, signal.SIGTERM)
