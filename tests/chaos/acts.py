"""Fault injection: workers, servers and deliveries fail, and the producer is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.faults import killing
from bench.faults.broker import RestartableBroker
from bench.faults.storage import HEALTHY, FaultProfile, Storage
from funasr_fleet.embedded.process import isolated
from tests.chaos.fleet import SWEEP_S, VISIBILITY_TIMEOUT_S, Fleet, Member
from tests.chaos.jobs import Job, duplicate_deliveries

ACTS = (
    "kill a child",
    "kill a child",
    "kill the decoders of a child",
    "kill a worker",
    "stop a worker",
    "stop a worker at once",
    "restart the broker",
    "cut a worker off",
    "storage fails",
    "deliver twice",
    "deliver twice",
)
PRODUCER = "kill the producer"
_SHARD_FILES = 8
_FILE_S = 60
"""The length that the producer assumes for a file of unknown length."""


@dataclass(eq=False)
class Operator:
    """Enqueues one job, repeatedly until it succeeds."""

    manifest: str
    job: str
    output: str
    environment: Mapping[str, str]
    log: Path
    max_ready: int
    starts: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def is_done(self) -> bool:
        return self._process is not None and self._process.poll() == 0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def look(self) -> None:
        """Start the producer unless it is running or done."""
        if self.is_done or self.is_running:
            return
        self.starts += 1
        command = [
            sys.executable,
            "-m",
            "funasr_fleet",
            "enqueue",
            self.manifest,
            "--job",
            self.job,
        ]
        command += ["--output", self.output, "--formats", "json,srt"]
        command += ["--max-shard-seconds", str(_SHARD_FILES * _FILE_S)]
        command += ["--max-ready", str(self.max_ready)]
        with self.log.open("ab") as output:
            environment = isolated(dict(self.environment))
            self._process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    def kill(self) -> None:
        if self._process and self.is_running:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        self.kill()


FLAKY, DOWN, SLOW = FaultProfile(failing=0.2), FaultProfile(failing=1.0), FaultProfile(delay_s=0.4)
_DOWN_S = 30.0
_SOME_S = 10.0
_BROKER_DOWN_S = 3.0
_CUT_OFF_S = VISIBILITY_TIMEOUT_S + SWEEP_S / 2


@dataclass(eq=False)
class Acts:
    """Performs the acts of the schedule on a running job."""

    dice: random.Random
    job: Job
    fleet: Fleet
    broker: RestartableBroker
    storage: Storage
    operator: Operator
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    """For each active fault, the monotonic time of its end and the function that ends it."""
    broker_is_away: bool = False

    def do(self, act: str) -> bool:
        """Perform an act; return False if it is not possible now and must be tried again."""
        acts: dict[str, Callable[[], bool]] = {
            "kill a child": self._kill_child,
            "kill the decoders of a child": self._kill_decoders,
            "kill a worker": self._kill_worker,
            "stop a worker": lambda: self._stop_worker(signals=1),
            "stop a worker at once": lambda: self._stop_worker(signals=2),
            "restart the broker": self._restart_broker,
            "cut a worker off": self._cut_off,
            "storage fails": self._storage_fails,
            "deliver twice": lambda: duplicate_deliveries(self.job.settings, 3) > 0,
            PRODUCER: self._kill_producer,
        }
        return acts[act]()

    def end_due_faults(self) -> None:
        """End the faults whose time is over."""
        now = time.monotonic()
        due = [end for at, end in self.later if at <= now]
        self.later = [(at, end) for at, end in self.later if at > now]
        for end in due:
            end()

    def end_all_faults(self) -> None:
        for _, end in sorted(self.later, key=lambda one: one[0]):
            end()
        self.later = []

    def _after(self, seconds: float, end: Callable[[], None]) -> None:
        self.later.append((time.monotonic() + seconds, end))

    def _victim(self) -> Member | None:
        """A random worker with a shard of the job in progress."""
        fit = [one for one in self.fleet.alive if one.is_ready and not one.wire.is_cut]
        busy = [one for one in fit if one.active_shard(self.job.name)]
        return self.dice.choice(busy) if busy else None

    def _kill_child(self) -> bool:
        victim = self._victim()
        if victim:
            killing.kill_child(victim.worker)
        return victim is not None

    def _kill_decoders(self) -> bool:
        victim = self._victim()
        return victim is not None and bool(killing.kill_decoders(victim.worker))

    def _kill_worker(self) -> bool:
        victim = self._victim()
        if victim:
            killing.kill_worker(victim.worker)
            self.fleet.start()
        return victim is not None

    def _stop_worker(self, signals: int) -> bool:
        victim = self._victim()
        if victim:
            killing.ask_to_stop(victim.worker)
            if signals > 1:
                self._after(0.5, partial(_send_second_signal, victim))
            self.fleet.start()
        return victim is not None

    def _restart_broker(self) -> bool:
        self.broker.kill()
        self.broker_is_away = True
        self._after(_BROKER_DOWN_S, self._start_broker)
        return True

    def _start_broker(self) -> None:
        self.broker.start()
        self.broker_is_away = False

    def _cut_off(self) -> bool:
        victim = self._victim()
        if victim:
            victim.wire.cut()
            self._after(_CUT_OFF_S, victim.wire.restore)
        return victim is not None

    def _storage_fails(self) -> bool:
        storm = ((0.0, FLAKY), (_SOME_S, DOWN), (_SOME_S + _DOWN_S, SLOW))
        for after_s, weather in (*storm, (2 * _SOME_S + _DOWN_S, HEALTHY)):
            self._after(after_s, partial(setattr, self.storage, "weather", weather))
        return True

    def _kill_producer(self) -> bool:
        """Kill the producer; also True if it was killed before and has finished by now."""
        if self.operator.is_done:
            return self.operator.starts > 1
        if self.operator.is_running:
            self.operator.kill()
            return True
        return False


def _send_second_signal(member: Member) -> None:
    if member.exit_code is None:
        killing.ask_to_stop(member.worker)
