"""A schedule of faults drawn from a seed, and the driver of a job through it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.faults.gathering import look_for_leftovers
from funasr_fleet import reconcile
from funasr_fleet.broker.ledger import JobCounts
from tests.chaos.acts import ACTS, PRODUCER, Acts
from tests.chaos.jobs import Job

_FIRST, _LAST = 0.04, 0.8
_PUBLISHING = (0.02, 0.15)
"""Share of the job that is done while the producer still waits for space in the queue."""


@dataclass(frozen=True)
class Step:
    """A fault at a share of the job."""

    share: float
    """Share of the job's files that are finished."""
    act: str


def draw(seed: int) -> tuple[Step, ...]:
    """Draw every act in random order; the producer is killed while it still publishes."""
    dice = random.Random(seed)
    acts = list(ACTS)
    dice.shuffle(acts)
    shares = sorted(dice.uniform(_FIRST, _LAST) for _ in acts)
    steps = [Step(round(share, 3), act) for share, act in zip(shares, acts, strict=True)]
    steps.append(Step(round(dice.uniform(*_PUBLISHING), 3), PRODUCER))
    return tuple(sorted(steps, key=lambda step: step.share))


def summary(steps: tuple[Step, ...]) -> str:
    return ", ".join(f"{100 * step.share:.0f} % {step.act}" for step in steps)


_LOOK_EVERY_S = 0.1
_STILL_S = 10.0
"""If the job is incomplete and no message is waiting or held for this long, a message was lost:
kombu does not protect a message between popping it from its list and recording it as unacked."""


@dataclass(eq=False)
class Driver:
    job: Job
    files: int
    acts: Acts
    steps: list[Step]
    """Steps that are left."""
    add_note: Callable[[str], None]
    reconciled: int = 0
    """How often the job had to be reconciled."""
    _begun: float = field(default_factory=time.monotonic)
    _still_since: float | None = None

    def run(self, deadline_s: float) -> None:
        while not self._look():
            if time.monotonic() - self._begun > deadline_s:
                left = ", ".join(step.act for step in self.steps) or "nothing"
                raise AssertionError(
                    f"{self.job.name} did not end within {deadline_s:.0f} s; "
                    f"left to be done: {left}\n{self.job.describe()}"
                )
            time.sleep(_LOOK_EVERY_S)

    def _look(self) -> bool:
        """Perform the acts that are due; return whether the job is over."""
        self.acts.end_due_faults()
        counts = self.job.counts()
        if counts is None and self.acts.broker_is_away:
            return False
        self.acts.operator.look()
        if counts is None:
            return False
        self._step(counts.finished)
        if counts.closed_at and self.acts.operator.is_done:
            return not self.acts.later
        if not self.acts.broker_is_away:
            self._reconcile_if_lost(counts)
        return False

    def _step(self, finished: int) -> None:
        """Perform the first due act that is possible; the others stay due."""
        due = [step for step in self.steps if finished >= step.share * self.files]
        done = next((step for step in due if self.acts.do(step.act)), None)
        if done:
            self.steps.remove(done)
            self.add_note(f"{time.monotonic() - self._begun:5.1f} s, {finished} files: {done.act}")

    def _reconcile_if_lost(self, counts: JobCounts) -> None:
        """Reconcile once, if a message was lost."""
        left = look_for_leftovers(self.job.name, self.job.settings)
        busy = self.steps or self.acts.later or left.waiting or left.unacked
        if busy or not counts.published or self.reconciled:
            self._still_since = None
            return
        self._still_since = self._still_since or time.monotonic()
        if time.monotonic() - self._still_since > _STILL_S:
            self.reconciled += 1
            found = reconcile(self.job.name, settings=self.job.settings)
            self.add_note(f"{time.monotonic() - self._begun:5.1f} s: reconciled, {found}")
