"""`fleet doctor`: checks everything that a fleet needs, with advice for each problem.

checks        all checks, in order
broker        Redis: reachable, writable, its clock, the queue
redis_server  the Redis server: version, eviction, persistence, restart
storage       S3: readable and writable
worker        a worker on this machine: run directory, port, devices, threads, models
"""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One row of the output of `fleet doctor`."""

    row: str
    """What was checked."""
    verdict: Verdict
    told: str
    """What was found."""
    advice: str = ""
    """What to do about it; empty when there is nothing to do."""
    unreachable: bool = False
    """Whether a service did not answer, or a model did not load."""
