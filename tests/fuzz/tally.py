"""What a run of the fuzzer found, and the limits that every input must keep."""

import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST_S = 10.0
"""Of computing, for one input; what waits for longer is told by the process that watches."""


@dataclass
class Tally:
    """Counts of one run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Name of what was raised, or `accepted`."""
    findings: list[str] = field(default_factory=list)
    """What must not happen, one line each, with the number of its input."""
    slowest_s: float = 0.0
    peak_mb: int = 0
    """Most memory that a process of the run held."""

    @property
    def inputs(self) -> int:
        """How many there were."""
        return self.outcomes.total()

    def add(self, other: "Tally") -> None:
        """Take in what another process found."""
        self.outcomes += other.outcomes
        self.findings += other.findings
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.peak_mb = max(self.peak_mb, other.peak_mb)

    def judge(
        self, name: str, act: Callable[[], object], expected: tuple[type[Exception], ...]
    ) -> None:
        """Count what an input does; anything but the errors expected is a finding."""
        begin = time.process_time()
        try:
            act()
            outcome = "accepted"
        except expected as error:
            outcome = type(error).__name__
            if not str(error):
                self.findings.append(f"{name}: {outcome} without words")
        except Exception as error:
            outcome = f"raised {type(error).__name__}"
            self.findings.append(f"{name}: raised {type(error).__name__}: {error!s:.300}")
        seconds = time.process_time() - begin
        self.outcomes[outcome] += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if seconds > LONGEST_S:
            self.findings.append(f"{name}: took {seconds:.1f} s")

    def weigh(self) -> None:
        """Note how much memory this process has held at most."""
        self.peak_mb = max(self.peak_mb, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)

    def lines(self, title: str) -> list[str]:
        """What to print at the end."""
        counts = ", ".join(f"{name} {count}" for name, count in self.outcomes.most_common())
        cost = f"slowest {self.slowest_s:.2f} s, peak memory {self.peak_mb} MB"
        return [f"{title}: {self.inputs} inputs: {counts}", f"  {cost}", *self.findings]
