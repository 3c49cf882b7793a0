"""Runs a Prometheus for the embedded stack, if it is installed (Debian package prometheus)."""

import json
import shutil
import urllib.parse
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from funasr_fleet.embedded.process import GuardedProcess, StartFailed, free_port, isolated
from funasr_fleet.embedded.services import fetch

RULES = Path(__file__).parents[2] / "deploy" / "monitoring" / "rules"


class PrometheusError(Exception):
    """A query to Prometheus failed: see the query and the error in the message."""


class LocalPrometheus:
    """A running Prometheus that scrapes the targets and evaluates the rules every second."""

    def __init__(self, directory: Path, targets: Mapping[str, Sequence[int]]) -> None:
        """Start Prometheus.

        Args:
            directory: where its data and log are kept.
            targets: scrape job name -> ports on this machine.

        Raises:
            StartFailed: Prometheus is not installed, or did not start.
        """
        program = shutil.which("prometheus")
        if program is None:
            raise StartFailed("prometheus is not installed: apt-get install prometheus")
        directory.mkdir(parents=True, exist_ok=True)
        self._url = f"http://127.0.0.1:{free_port()}"
        config = directory / "prometheus.json"  # JSON is YAML
        config.write_text(json.dumps(_configuration(targets)))
        self.process = GuardedProcess(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={self._url.removeprefix('http://')}",
            ],
            log=directory / "prometheus.log",
            environment=isolated({}),
        )

    @property
    def url(self) -> str:
        """Base URL of its API."""
        return self._url

    def wait_until_ready(self) -> None:
        """Wait until Prometheus answers.

        Raises:
            StartFailed: it exited, or did not answer in time.
        """
        self.process.wait_until(lambda: fetch(f"{self._url}/-/ready")[0] == 200)

    def query(self, expression: str) -> list[Any]:
        """The current series of an expression: {"metric": labels, "value": [time, text]} each."""
        series: list[Any] = self._get("query", query=expression)["result"]
        return series

    def alerts(self) -> dict[str, str]:
        """Alert name -> "pending" or "firing"; firing if any alert of that name fires."""
        states: dict[str, str] = {}
        for alert in self._get("alerts")["alerts"]:
            name, state = alert["labels"]["alertname"], alert["state"]
            states[name] = "firing" if "firing" in (state, states.get(name)) else state
        return states

    def _get(self, endpoint: str, **arguments: str) -> Any:
        query = urllib.parse.urlencode(arguments)
        status, text = fetch(f"{self._url}/api/v1/{endpoint}?{query}")
        if status != HTTPStatus.OK:
            raise PrometheusError(f"{arguments}: {text or 'no answer'}")
        return json.loads(text)["data"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def _configuration(targets: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES / "*.yaml")],
        "scrape_configs": [
            {
                "job_name": job,
                # keep the exporter's label `job`, which names a transcription job
                "honor_labels": True,
                "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}],
            }
            for job, ports in targets.items()
        ],
    }
