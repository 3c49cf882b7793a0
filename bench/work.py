"""A real worker on the embedded stack; its log provides the measurements."""

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from funasr_fleet import enqueue
from funasr_fleet.embedded.process import adopt
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import running_stack
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.storage.s3 import S3Store

Event = dict[str, Any]
"""An event of the worker's log."""

_SECONDS_PER_JOB_LIMIT = 3600
_POLL_INTERVAL_S = 2.0
"""Polling slows the worker: twenty times a second made the times of its files differ by 40 %."""


@dataclass(frozen=True, kw_only=True)
class JobEvents:
    """Events of one job in the worker's log."""

    files: list[Event]
    """Events of finished files, in order."""
    shards: list[Event]
    """Events of finished shards, in order."""


@dataclass
class Bench:
    """One running worker."""

    directory: Path
    worker: LocalWorker
    _begin: int
    """Offset of this worker's first line in the log."""
    _jobs: Iterator[int] = field(default_factory=itertools.count)

    def wait_until_ready(self) -> Event:
        """Wait until the models are loaded; return the event."""
        self.worker.wait_until_ready()
        return next(line for line in self._log() if line["event"] == "model ready")

    def upload(self, path: Path) -> str:
        """Upload a file and return its URI."""
        uri = f"s3://audio/bench/{path.name}"
        with path.open("rb") as file:
            S3Store().upload(uri, file)
        os.sync()  # pending disk writes would otherwise slow the first files
        return uri

    def transcribe(self, audio: Sequence[str], limits: ShardLimits) -> JobEvents:
        """Transcribe these files, possibly with repetitions, and wait until the job is done."""
        number = next(self._jobs)
        manifest = self.directory / f"job-{number}.jsonl"
        rows = ({"audio": uri, "id": f"{number}-{place}"} for place, uri in enumerate(audio))
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
        output = "s3://transcripts/bench/"
        job = enqueue([str(manifest)], output=output, overwrite=True, limits=limits).job
        is_complete = partial(self._is_complete, job, len(audio))
        self.worker.process.wait_until(
            is_complete, _SECONDS_PER_JOB_LIMIT, every_s=_POLL_INTERVAL_S
        )
        return self._events_of(job)

    def _is_complete(self, job: str, files: int) -> bool:
        """Whether the log contains the last shard of the job."""
        events = self._events_of(job)
        names = {file["shard"] for file in events.files}
        return len(events.files) == files and len(events.shards) == len(names)

    def _events_of(self, job: str) -> JobEvents:
        lines = [line for line in self._log() if line.get("job") == job]
        return JobEvents(
            files=[line for line in lines if line["event"] == "file finished"],
            shards=[line for line in lines if line["event"] == "shard finished"],
        )

    def _log(self) -> list[Event]:
        with self.worker.process.log.open("rb") as file:
            file.seek(self._begin)
            whole = (line for line in file if line.startswith(b"{") and line.endswith(b"\n"))
            lines = [json.loads(line) for line in whole]
        return [line for line in lines if line["logger"] == "fleet"]


@contextlib.contextmanager
def running_bench(directory: Path) -> Iterator[Bench]:
    """Run the embedded stack with one worker that has the demo model."""
    with running_stack(directory, buckets=("audio", "transcripts")) as stack:
        adopt({**stack.environment, "FLEET_MODEL": "demo"})
        with LocalWorker(stack.environment, directory) as worker:
            yield Bench(directory, worker, worker.process.log.stat().st_size)
