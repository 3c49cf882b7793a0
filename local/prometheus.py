"""A Prometheus beside the embedded stack, where one is installed (Debian's package prometheus)."""

import json
import shutil
import urllib.parse
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from local.environment import isolated
from local.process import GuardedProcess, StartFailed, free_port
from local.worker import fetch

RULES = Path(__file__).parent.parent / "deploy" / "monitoring" / "rules"


class PrometheusRefuses(Exception):
    """Prometheus does not answer a query: the message says which, and why."""


class LocalPrometheus:
    """Scrapes targets and evaluates rules every second."""

    def __init__(self, directory: Path, targets: Mapping[str, Sequence[int]]) -> None:
        """Start it.

        Args:
            directory: where its data and its log lie.
            targets: ports on this machine, by the job's name.

        Raises:
            StartFailed: there is none on this machine, or it does not start.
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
        """Of its API."""
        return self._url

    def wait_until_ready(self) -> None:
        """Return once it answers.

        Raises:
            StartFailed: when it ends, or does not answer in time.
        """
        self.process.wait_until(lambda: fetch(f"{self._url}/-/ready")[0] == 200)

    def query(self, expression: str) -> list[Any]:
        """Series of an expression now: {"metric": labels, "value": [time, text]} each."""
        found: list[Any] = self._get("query", query=expression)["result"]
        return found

    def alerts(self) -> dict[str, str]:
        """Alerts that are pending or firing, by name; firing goes before pending."""
        found: dict[str, str] = {}
        for alert in self._get("alerts")["alerts"]:
            name, state = alert["labels"]["alertname"], alert["state"]
            found[name] = "firing" if "firing" in (state, found.get(name)) else state
        return found

    def _get(self, what: str, **arguments: str) -> Any:
        query = urllib.parse.urlencode(arguments)
        status, text = fetch(f"{self._url}/api/v1/{what}?{query}")
        if status != HTTPStatus.OK:
            raise PrometheusRefuses(f"{arguments}: {text or 'no answer'}")
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
                # the exporter's label `job` is a job of transcription
                "honor_labels": True,
                "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}],
            }
            for job, ports in targets.items()
        ],
    }
