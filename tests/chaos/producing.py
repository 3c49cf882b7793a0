"""`fleet enqueue` as an operator runs it: again, when it was killed or found no broker."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from funasr_fleet.embedded.process import isolated

SHARD_FILES = 8
_FILE_S = 60
"""What the producer takes a file of unknown length for."""


@dataclass(eq=False)
class Operator:
    """Enqueues one job, until that has succeeded."""

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
    def is_at_work(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def look(self) -> None:
        """Run it (again) if it does not run, and is not done."""
        if self.is_done or self.is_at_work:
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
        command += ["--max-shard-seconds", str(SHARD_FILES * _FILE_S)]
        command += ["--max-ready", str(self.max_ready)]
        with self.log.open("ab") as output:
            environment = isolated(dict(self.environment))
            self._process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process and self.is_at_work:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        self.kill()
