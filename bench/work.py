"""A real worker on the embedded stack; its log tells what the work of a bench took."""

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from contract.s3 import S3Store
from local.environment import adopt
from local.stack import running_stack
from local.worker import LocalWorker
from producer import enqueue
from producer.planning.packing import ShardLimits

Event = dict[str, Any]
"""A line of the worker's log."""

_SECONDS_PER_JOB_LIMIT = 3600
_LOOK_EVERY_S = 2.0
"""Looking takes time from the worker: twenty times a second made its files differ by 40 %."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the worker's log says of one job."""

    files: list[Event]
    """How each file was finished, in order."""
    shards: list[Event]
    """How each shard was finished, in order."""


@dataclass
class Bench:
    """One worker at work."""

    directory: Path
    worker: LocalWorker
    _begin: int
    """Where this worker's lines begin in its log."""
    _jobs: Iterator[int] = field(default_factory=itertools.count)

    def wait_until_ready(self) -> Event:
        """Until the models are loaded; what the worker says of them."""
        self.worker.wait_until_ready()
        return next(line for line in self._log() if line["event"] == "model ready")

    def upload(self, path: Path) -> str:
        """Put a file where the worker finds it."""
        uri = f"s3://audio/bench/{path.name}"
        with path.open("rb") as file:
            S3Store().upload(uri, file)
        os.sync()  # what is written behind our back would be measured with the first files
        return uri

    def transcribe(self, audio: Sequence[str], limits: ShardLimits) -> Told:
        """Transcribe these, the same one perhaps several times, and wait until it is done."""
        number = next(self._jobs)
        manifest = self.directory / f"job-{number}.jsonl"
        rows = ({"audio": uri, "id": f"{number}-{place}"} for place, uri in enumerate(audio))
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
        output = "s3://transcripts/bench/"
        job = enqueue([str(manifest)], output=output, overwrite=True, limits=limits).job
        told = partial(self._is_told, job, len(audio))
        self.worker.process.wait_until(told, _SECONDS_PER_JOB_LIMIT, every_s=_LOOK_EVERY_S)
        return self._told(job)

    def _is_told(self, job: str, files: int) -> bool:
        """Whether the last shard of the job is in the log."""
        told = self._told(job)
        names = {file["shard"] for file in told.files}
        return len(told.files) == files and len(told.shards) == len(names)

    def _told(self, job: str) -> Told:
        lines = [line for line in self._log() if line.get("job") == job]
        return Told(
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
    """The embedded stack with one worker that has the demo model."""
    with running_stack(directory, buckets=("audio", "transcripts")) as stack:
        adopt({**stack.environment, "FLEET_MODEL": "demo"})
        with LocalWorker(stack.environment, directory) as worker:
            yield Bench(directory, worker, worker.process.log.stat().st_size)
