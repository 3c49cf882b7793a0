"""Findings of a fuzzer run, and the limits for every input."""

import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST_S = 10.0
"""CPU time for one input; the supervising process reports inputs that block their process."""


@dataclass
class Tally:
    """Counters of one run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Counts by name of the error raised, or `accepted`."""
    findings: list[str] = field(default_factory=list)
    """Findings, one line each, with the number of the input."""
    slowest_s: float = 0.0
    """The most time for one input: CPU time, but for messages the time until the next valid one."""
    peak_mb: int = 0
    """Peak memory of the processes of the run; 0 if it is not measured."""

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.outcomes.total()

    def add(self, other: "Tally") -> None:
        """Add the tally of another process."""
        self.outcomes += other.outcomes
        self.findings += other.findings
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.peak_mb = max(self.peak_mb, other.peak_mb)

    def run_input(
        self,
        name: str,
        act: Callable[[], object],
        expected: tuple[type[Exception], ...],
        cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        """Count the outcome of an input; any error that is not expected is a finding.

        So is an input that takes too much CPU time, of which `cpu_s` returns the total.
        """
        begin = cpu_s()
        try:
            act()
            outcome = "accepted"
        except expected as error:
            outcome = type(error).__name__
            if not str(error):
                self.findings.append(f"{name}: {outcome} without a message")
        except Exception as error:
            outcome = f"raised {type(error).__name__}"
            self.findings.append(f"{name}: raised {type(error).__name__}: {error!s:.300}")
        seconds = cpu_s() - begin
        self.outcomes[outcome] += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if seconds > LONGEST_S:
            self.findings.append(f"{name}: took {seconds:.1f} s of CPU time")

    def check(self, name: str, act: Callable[[], object]) -> None:
        """Run a check that is not an input; any error is a finding."""
        try:
            act()
        except Exception as error:
            self.findings.append(f"{name}: {type(error).__name__}: {error!s:.300}")

    def record_memory(self) -> None:
        """Record the peak memory of this process."""
        self.peak_mb = max(self.peak_mb, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)

    def lines(self, title: str) -> list[str]:
        """Lines of the summary."""
        counts = ", ".join(f"{name} {count}" for name, count in self.outcomes.most_common())
        cost = f"slowest {self.slowest_s:.2f} s"
        if self.peak_mb:
            cost += f", peak memory {self.peak_mb} MB"
        return [f"{title}: {self.inputs} inputs: {counts}", f"  {cost}", *self.findings]
