"""PURE. What goes wrong when, drawn from a seed: the same seed gives the same schedule."""

import random
from dataclasses import dataclass

ACTS = (
    "kill a child",
    "kill a child",
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


def told(steps: tuple[Step, ...]) -> str:
    """In one line."""
    return ", ".join(f"{100 * step.share:.0f} % {step.act}" for step in steps)
