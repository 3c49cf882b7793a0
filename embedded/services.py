"""Runs one `fleet worker` or `fleet exporter` for the embedded stack."""

import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from funasr_fleet.contract.queues import MODEL_LOAD_LIMIT_S
from funasr_fleet.embedded.process import GuardedProcess, free_port, isolated
from funasr_fleet.settings import DEMO, PREFIX, BadConfiguration, Settings
from funasr_fleet.worker.engine.directories import check_directories
from funasr_fleet.worker.process.private_directory import claim_private

_DRAIN_S = 30.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _Service:
    """A running `fleet` command with HTTP pages; it is stopped at the end of the block."""

    process: GuardedProcess
    port: int
    ready_deadline_s = 120.0
    """How long it may take to become ready."""

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of /metrics, /healthz or /readyz; status 0 while nothing answers."""
        return fetch(f"http://127.0.0.1:{self.port}{path}")

    def wait_until_ready(self, deadline_s: float | None = None) -> None:
        """Wait until /readyz reports ready: a worker's children have loaded their models.

        Raises:
            StartFailed: the command exited, or the deadline passed.
        """
        limit_s = deadline_s or self.ready_deadline_s
        self.process.wait_until(lambda: self.page("/readyz")[0] == 200, limit_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


_MODELS = ("model", "vad_model", "punc_model", "spk_model")


def chosen_models() -> dict[str, str]:
    """The model settings of this process, as environment variables; FLEET_MODEL defaults to demo.

    Raises:
        BadConfiguration: a setting is invalid, or a directory that it names holds no model.
    """
    settings = Settings.load()
    if "model" not in settings.model_fields_set:
        settings = settings.model_copy(update={"model": DEMO})
    check_directories(settings)
    set_here = {
        PREFIX + name.upper(): str(getattr(settings, name))
        for name in _MODELS
        if name in settings.model_fields_set
    }
    return {"FLEET_MODEL": settings.model, **set_here}


class LocalWorker(_Service):
    """`fleet worker` on a free port, with the demo model by default; logs to worker.log."""

    ready_deadline_s = MODEL_LOAD_LIMIT_S

    def __init__(
        self, environment: Mapping[str, str], directory: Path, devices: str = "cpu"
    ) -> None:
        self.port = free_port()
        self.run_dir = _private_run_dir(directory)
        own = {
            "FLEET_MODEL": DEMO,
            "FLEET_DEVICES": devices,
            "FLEET_METRICS_PORT": str(self.port),
            "FLEET_LOG_FORMAT": "json",
            "FLEET_RUN_DIR": str(self.run_dir),
        }
        self.process = GuardedProcess(
            [sys.executable, "-m", "funasr_fleet", "worker"],
            log=directory / "worker.log",
            environment=isolated({**own, **environment}),
            grace_s=_DRAIN_S,
        )


class LocalExporter(_Service):
    """`fleet exporter` on a free port; logs to exporter.log."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self.port = free_port()
        self.process = GuardedProcess(
            [sys.executable, "-m", "funasr_fleet", "exporter", "--port", str(self.port)],
            log=directory / "exporter.log",
            environment=isolated({**environment}),
        )


def _private_run_dir(directory: Path) -> Path:
    """A run directory that a worker accepts; a temporary one if others can replace the data."""
    run_dir = (directory / "run").resolve()
    try:
        return claim_private(run_dir)
    except BadConfiguration:
        return Path(tempfile.mkdtemp(prefix="funasr-fleet-run-")).resolve()


def fetch(url: str) -> tuple[int, str]:
    """Status and text of a page on this machine; status 0 while nothing answers."""
    try:
        with _DIRECT.open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""
