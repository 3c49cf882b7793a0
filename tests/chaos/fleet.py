"""Workers to kill, stop, cut off and replace: settings, processes, waiting."""

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from bench.faults import killing, telling
from bench.faults.wire import TcpProxy
from funasr_fleet.embedded.services import LocalWorker

VISIBILITY_TIMEOUT_S = 15
STALL_S = 12
DRAIN_S = 8
MAX_AUDIO_S = 600
MAX_ATTEMPTS = 3

RELOAD_S = 90.0
"""Time for a new child to become ready on a shared machine; ten seconds on an idle one."""

SWEEP_S = 10
"""Interval at which kombu looks for messages of lost workers."""

LIMITS = {
    "FLEET_VISIBILITY_TIMEOUT_S": str(VISIBILITY_TIMEOUT_S),
    "FLEET_STALL_S": str(STALL_S),
    "FLEET_DRAIN_S": str(DRAIN_S),
    "FLEET_MAX_AUDIO_S": str(MAX_AUDIO_S),
    "FLEET_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
    # several workers share two cores; threads that wait for each other are slow
    "FLEET_TORCH_THREADS": "1",
}


Found = TypeVar("Found")

_LOOK_EVERY_S = 0.05


def until(
    look: Callable[[], Found | None],
    deadline_s: float,
    what: str,
    explain: Callable[[], str] = lambda: "",
) -> Found:
    """Poll until look returns a true value, and return it.

    Args:
        look: called repeatedly.
        deadline_s: maximum time to wait.
        what: the expected condition, for the error.
        explain: returns a description of the state, for the error.
    """
    give_up = time.monotonic() + deadline_s
    while not (found := look()):
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {deadline_s:.0f} s: {what}\n{explain()}")
        time.sleep(_LOOK_EVERY_S)
    return found


SABOTAGE = Path(__file__).parent / "sabotage"
READY_DEADLINE_S = 150.0
"""Timeouts for a shared machine."""


@dataclass(eq=False)
class Member:
    """One worker with its own proxy to the broker."""

    name: str
    worker: LocalWorker
    wire: TcpProxy

    @property
    def exit_code(self) -> int | None:
        return self.worker.process.exit_code

    @property
    def is_ready(self) -> bool:
        return self.exit_code is None and killing.is_ready(self.worker)

    def events(self, *names: str) -> list[dict[str, Any]]:
        return telling.events(self.worker.process.log, *names)

    def active_shard(self, job: str) -> str | None:
        """The job's shard in progress, according to the worker's log."""
        return telling.shard_in_hand(self.worker.process.log, job)

    def replaced_idle_children(self) -> list[str]:
        """Log lines with the state of Celery's pool, one for each replacement of idle children."""
        lines = self.worker.process.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "Celery's pool" in line]

    def last_log_lines(self) -> str:
        lines = self.worker.process.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-6:])

    def stop(self) -> None:
        self.wire.restore()
        self.worker.process.stop()
        self.wire.close()


@dataclass(eq=False)
class Fleet:
    """All workers that were started, including dead ones."""

    environment: Mapping[str, str]
    """Settings of each worker; it reaches the broker through its own proxy."""
    broker: tuple[str, int]
    directory: Path
    members: list[Member] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def alive(self) -> list[Member]:
        return [one for one in self.members if one.exit_code is None]

    def start(self) -> Member:
        """Start one more worker, without waiting until it is ready."""
        name = f"worker-{next(self._numbers)}"
        wire = TcpProxy(self.broker)
        url = self.environment["FLEET_BROKER_URL"]
        here, there = f"@127.0.0.1:{wire.port}/", f"@127.0.0.1:{self.broker[1]}/"
        path = os.pathsep.join(filter(None, (str(SABOTAGE), os.environ.get("PYTHONPATH"))))
        environment = {
            **self.environment,
            "FLEET_BROKER_URL": url.replace(there, here),
            "PYTHONPATH": path,
        }
        member = Member(name, LocalWorker(environment, self.directory / name), wire)
        self.members.append(member)
        return member

    def stand(self, count: int) -> list[Member]:
        """Exactly this many ready workers; missing ones are started, surplus ones stopped."""
        for surplus in self.alive[count:]:
            surplus.stop()
        while len(self.alive) < count:
            self.start()
        found = self.alive
        until(lambda: all(one.is_ready for one in found), READY_DEADLINE_S, "ready", self.describe)
        return found

    def describe(self) -> str:
        """State and last log lines of each worker."""
        return "\n".join(self._describe(one) for one in self.members)

    def _describe(self, one: Member) -> str:
        if one.exit_code is not None:
            return f"{one.name} ended with code {one.exit_code}"
        states = [f"slot {s.slot}: {s.state}, pid {s.pid}" for s in killing.slots(one.worker)]
        health = one.worker.page("/healthz")[1].strip()
        return f"{one.name} runs, health {health}; {'; '.join(states)}\n{one.last_log_lines()}"

    def child_pids(self) -> list[int]:
        return [state.pid for one in self.alive for state in killing.slots(one.worker)]

    @contextlib.contextmanager
    def cut_off(self, but: Member | None = None) -> Iterator[None]:
        """Cut all workers off the broker, or one of them."""
        off = [one for one in self.alive if one is not but]
        for one in off:
            one.wire.cut()
        try:
            yield
        finally:
            for one in off:
                one.wire.restore()

    def stop(self) -> None:
        for one in self.alive:
            one.stop()

    def remaining_processes(self) -> list[str]:
        """Running processes with a folder of one of these workers in their environment."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.fsencode(self.directory) in (process / "environ").read_bytes():
                    line = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    found.append(f"{process.name}: {line.decode(errors='replace')[:200]}")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
