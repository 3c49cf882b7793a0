"""Which fault happens when, drawn from a seed, and a job that is driven through it."""

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
"""So much of the job is done while the producer still waits for room in the queue."""


@dataclass(frozen=True)
class Step:
    """Something goes wrong once so much of the job is done."""

    share: float
    """Of the job's files."""
    act: str


def draw(seed: int) -> tuple[Step, ...]:
    """Every act, in any order; the producer dies while it still has something to publish."""
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
"""When nothing waits and nobody holds anything for so long, and the job is not over, a message was
lost: kombu has no hold on one between taking it off its list and noting it down."""


@dataclass(eq=False)
class Driver:
    job: Job
    files: int
    acts: Acts
    steps: list[Step]
    """What is still to be done."""
    say: Callable[[str], None]
    reconciled: int = 0
    """How often the job had to be brought back by hand."""
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
        """Do what is due; whether it is over."""
        self.acts.end_what_is_due()
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
            self._mend(counts)
        return False

    def _step(self, finished: int) -> None:
        """One that finds no victim for now keeps none of the others waiting."""
        due = [step for step in self.steps if finished >= step.share * self.files]
        done = next((step for step in due if self.acts.do(step.act)), None)
        if done:
            self.steps.remove(done)
            self.say(f"{time.monotonic() - self._begun:5.1f} s, {finished} files: {done.act}")

    def _mend(self, counts: JobCounts) -> None:
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
            self.say(f"{time.monotonic() - self._begun:5.1f} s: reconciled, {found}")
