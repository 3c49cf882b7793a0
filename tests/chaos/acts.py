"""What goes wrong: each act is tried until it finds its victim."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from bench.faults import killing
from bench.faults.broker import RestartableBroker
from bench.faults.storage import HEALTHY, FaultProfile, Storage
from tests.chaos.fleet import Fleet, Member
from tests.chaos.jobs import Job, deliver_twice
from tests.chaos.limits import SWEEP_S, VISIBILITY_TIMEOUT_S
from tests.chaos.producing import Operator
from tests.chaos.schedule import PRODUCER

FLAKY, AWAY, SLOW = FaultProfile(failing=0.2), FaultProfile(failing=1.0), FaultProfile(delay_s=0.4)
_AWAY_S = 30.0
_SOME_S = 10.0
_BROKER_AWAY_S = 3.0
_CUT_OFF_S = VISIBILITY_TIMEOUT_S + SWEEP_S / 2


@dataclass(eq=False)
class Acts:
    """The hand that does it."""

    dice: random.Random
    job: Job
    fleet: Fleet
    broker: RestartableBroker
    storage: Storage
    operator: Operator
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    """What ends by itself, and when; by the monotonic clock."""
    broker_is_away: bool = False

    def do(self, act: str) -> bool:
        """Whether it could be done; if not, it is to be tried again."""
        acts: dict[str, Callable[[], bool]] = {
            "kill a child": self._kill_child,
            "kill a worker": self._kill_worker,
            "stop a worker": lambda: self._stop_worker(signals=1),
            "stop a worker at once": lambda: self._stop_worker(signals=2),
            "restart the broker": self._restart_broker,
            "cut a worker off": self._cut_off,
            "storage fails": self._storage_fails,
            "deliver twice": lambda: deliver_twice(self.job.settings, 3) > 0,
            PRODUCER: self._kill_producer,
        }
        return acts[act]()

    def end_what_is_due(self) -> None:
        """Storms pass, lines are mended, servers come back."""
        now = time.monotonic()
        due = [end for at, end in self.later if at <= now]
        self.later = [(at, end) for at, end in self.later if at > now]
        for end in due:
            end()

    def end_everything(self) -> None:
        """Whatever was going on."""
        for _, end in sorted(self.later, key=lambda one: one[0]):
            end()
        self.later = []

    def _after(self, seconds: float, end: Callable[[], None]) -> None:
        self.later.append((time.monotonic() + seconds, end))

    def _victim(self) -> Member | None:
        """A worker that is at work; the other one may not be."""
        fit = [one for one in self.fleet.alive if one.is_ready and not one.wire.is_cut]
        busy = [one for one in fit if one.in_hand(self.job.name)]
        return self.dice.choice(busy) if busy else None

    def _kill_child(self) -> bool:
        victim = self._victim()
        if victim:
            killing.kill_child(victim.worker)
        return victim is not None

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
                self._after(0.5, partial(_ask_again, victim))
            self.fleet.start()
        return victim is not None

    def _restart_broker(self) -> bool:
        self.broker.kill()
        self.broker_is_away = True
        self._after(_BROKER_AWAY_S, self._start_broker)
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
        storm = ((0.0, FLAKY), (_SOME_S, AWAY), (_SOME_S + _AWAY_S, SLOW))
        for after_s, weather in (*storm, (2 * _SOME_S + _AWAY_S, HEALTHY)):
            self._after(after_s, partial(setattr, self.storage, "weather", weather))
        return True

    def _kill_producer(self) -> bool:
        """Unless the broker's end was its own, and what came after it was quick."""
        if self.operator.is_done:
            return self.operator.starts > 1
        if self.operator.is_at_work:
            self.operator.kill()
            return True
        return False


def _ask_again(member: Member) -> None:
    if member.exit_code is None:
        killing.ask_to_stop(member.worker)
