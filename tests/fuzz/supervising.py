"""Runs a lane of inputs in a child process; inputs that end or block it are reported."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz.decoder import keep_input
from tests.fuzz.tally import Tally

_HUNG_S = 120.0
"""Time after which the process of an input is killed; a decoder that hangs is ended before."""

_MOST_DEATHS = 50
"""Number of killed processes after which the lane is abandoned."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Inputs of one kind, processed in sequence."""

    kind: str
    """`shards`, `rows`, `files` or `heads`."""
    first: int
    count: int
    seed: int
    keep: Path
    """Directory for inputs that end their process."""

    def run(self) -> Tally:
        """Process all inputs."""
        tally, skipped, at = Tally(), set[int](), self.first
        with tempfile.NamedTemporaryFile() as file:
            progress = Path(file.name)
            while at < self.first + self.count and len(skipped) < _MOST_DEATHS:
                at, ended = self._run_from(at, progress, skipped, tally)
                if ended is None:
                    continue
                number = int(progress.read_bytes() or b"0")
                path = keep_input(self.kind, number, self.seed, self.keep)
                tally.findings.append(f"{self.kind} {number} of seed {self.seed}: {ended}; {path}")
                tally.outcomes["ended its process"] += 1
                skipped.add(number)
        return tally

    def _run_from(
        self, at: int, progress: Path, skipped: set[int], tally: Tally
    ) -> tuple[int, str | None]:
        """The number reached, and the exit of the process if it was premature."""
        span = (str(at), str(self.first + self.count - at), str(self.seed), str(progress))
        command = [sys.executable, "-m", "tests.fuzz.lane", self.kind, *span, *map(str, skipped)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        watch = _Watch(process, progress)
        looking = threading.Thread(target=watch.look, daemon=True)
        looking.start()
        assert process.stdout
        for line in process.stdout:
            report = json.loads(line)
            at = report.pop("next")
            tally.add(_tally_of(report))
            watch.alive()
        code = process.wait()
        looking.join()
        return at, watch.verdict or (None if code == 0 else f"ended its process ({code})")


class _Watch:
    """Kills a process that takes too long for one input."""

    def __init__(self, process: "subprocess.Popen[str]", progress: Path) -> None:
        self._process, self._progress = process, progress
        self.verdict: str | None = None
        self.alive()

    def alive(self) -> None:
        """Restart the timeout: the process has made progress."""
        self._since = time.monotonic()

    def look(self) -> None:
        """Watch until the process ends."""
        last_progress = b""
        while self._process.poll() is None:
            time.sleep(1)
            if (now := self._progress.read_bytes()) != last_progress:
                last_progress = now
                self.alive()
            if time.monotonic() - self._since > _HUNG_S:
                self.verdict = f"hung for {_HUNG_S:.0f} s"
                self._process.kill()


def _tally_of(report: dict[str, Any]) -> Tally:
    return Tally(**{**report, "outcomes": Counter(report["outcomes"])})
