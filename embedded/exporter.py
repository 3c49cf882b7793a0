"""Runs one `fleet exporter` for the embedded stack."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from funasr_fleet.embedded.environment import isolated
from funasr_fleet.embedded.process import GuardedProcess, free_port
from funasr_fleet.embedded.worker import fetch


class LocalExporter:
    """A running exporter."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self.port = free_port()
        self.process = GuardedProcess(
            [sys.executable, "-m", "funasr_fleet", "exporter", "--port", str(self.port)],
            log=directory / "exporter.log",
            environment=isolated({**environment}),
        )

    def wait_until_ready(self) -> None:
        """Wait until the exporter answers.

        Raises:
            StartFailed: it exited, or did not answer in time.
        """
        url = f"http://127.0.0.1:{self.port}/readyz"
        self.process.wait_until(lambda: fetch(url)[0] == 200)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
