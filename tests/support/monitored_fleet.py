"""A small running fleet, scraped by a real Prometheus: two workers, an exporter, a job.

Some files of the job fail, one crashes its worker's child until it is dead-lettered, and one
message is invalid.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funasr_fleet import enqueue, status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.embedded.process import adopt
from funasr_fleet.embedded.services import LocalExporter, LocalWorker
from funasr_fleet.embedded.stack import running_stack
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.chaos.fleet import SABOTAGE
from tests.chaos.jobs import upload, write_manifest
from tests.chaos.recordings import LONG, POISON, SILENT, SPOKEN, sample, slow
from tests.support.prometheus import LocalPrometheus

WORKERS, EXPORTER = "fleet-worker", "fleet-exporter"
"""Names of the Prometheus scrape jobs in deploy/."""

_LIMIT_BYTES = 4 * 1024**3
"""Memory limit of Valkey, which has none by default; larger than these tests need."""

JOB = "calls-2026"
_OUTPUT = "s3://transcripts/calls/"
_SHARD_FILES = 4


@dataclass(frozen=True)
class Scene:
    """The running processes of the fleet."""

    prometheus: LocalPrometheus
    workers: tuple[LocalWorker, ...]
    settings: Settings
    directory: Path

    def enqueue(self, files: int, job: str = JOB) -> None:
        """Enqueue this number of files, of which each seventh is not audio."""
        bodies = {
            **{name: slow(0.3, name) for name in SPOKEN},
            "silent": sample(SILENT),
            "long": sample(LONG),
            "no-audio": sample("not-audio.mp3"),
            "poison": POISON,
        }
        places = upload(S3Store(), bodies)
        kinds = (*SPOKEN, "silent", "long", "no-audio")
        rows = [(f"{job}/{n:05d}", places[kinds[n % len(kinds)]]) for n in range(files)]
        rows.insert(files // 2, (f"{job}/poison", places["poison"]))
        manifest = write_manifest(self.directory / f"{job}.jsonl", rows)
        enqueue([manifest], output=_OUTPUT, job=job, limits=ShardLimits(files=_SHARD_FILES))
        redis: Any = connect(self.settings)
        redis.lpush(self.settings.queue, "this is not a message")

    def is_over(self, job: str = JOB) -> bool:
        return bool(status(job, self.settings).counts.closed_at)


@contextlib.contextmanager
def running_scene(directory: Path) -> Iterator[Scene]:
    """Start everything; its settings are set in this process until it stops."""
    with contextlib.ExitStack() as running:
        stack = running.enter_context(
            running_stack(directory / "stack", buckets=("audio", "transcripts"))
        )
        before = dict(os.environ)
        running.callback(_restore_environment, before)
        adopt({**stack.environment, "FLEET_MODEL": "demo"})
        redis: Any = connect(Settings.load())
        redis.config_set("maxmemory", _LIMIT_BYTES)
        path = os.pathsep.join(filter(None, (str(SABOTAGE), before.get("PYTHONPATH"))))
        own = {**stack.environment, "PYTHONPATH": path, "FLEET_TORCH_THREADS": "1"}
        workers = tuple(
            running.enter_context(LocalWorker(own, directory / f"worker-{number}"))
            for number in (1, 2)
        )
        exporter = running.enter_context(LocalExporter(stack.environment, directory))
        targets = {WORKERS: [one.port for one in workers], EXPORTER: [exporter.port]}
        prometheus = running.enter_context(LocalPrometheus(directory / "prometheus", targets))
        prometheus.wait_until_ready()
        exporter.wait_until_ready()
        for one in workers:
            one.wait_until_ready()
        yield Scene(prometheus, workers, Settings.load(), directory)


def _restore_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
