"""Two workers that die, a job in whose middle they do, and what is left of it then."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from contract.job import Options
from contract.s3 import S3Store
from contract.settings import Settings
from local.faults import killing
from local.faults.audit import Audit, audit
from local.faults.evidence import Leftovers
from local.faults.gathering import gather, look_for_leftovers, results
from local.faults.telling import shard_in_hand
from local.worker import LocalWorker
from producer import enqueue, status
from producer.planning.packing import ShardLimits

_SHARDS, _SHARD_FILES = 6, 3
_DEADLINE_S = 600.0
_LOOK_EVERY_S = 0.2


@dataclass(eq=False)
class Fleet:
    """Two workers, replaced as they die."""

    environment: dict[str, str]
    directory: Path
    workers: list[LocalWorker] = field(default_factory=list)
    _started: int = 0

    def stand(self) -> list[LocalWorker]:
        """Two that are ready."""
        self.workers = [one for one in self.workers if one.process.exit_code is None]
        while len(self.workers) < 2:
            self._started += 1
            folder = self.directory / f"worker-{self._started}"
            self.workers.append(LocalWorker(self.environment, folder))
        for one in self.workers:
            one.wait_until_ready(_DEADLINE_S)
            until(partial(killing.is_ready, one))
        return self.workers

    def stop(self) -> None:
        """Both."""
        for one in self.workers:
            one.process.stop()


@dataclass(frozen=True)
class Job:
    """A job whose files' names tell their shard."""

    name: str
    output: str
    settings: Settings
    store: S3Store

    def caught(self, workers: list[LocalWorker]) -> tuple[LocalWorker, set[str]]:
        """A worker at work, and the files that it has in hand."""
        while True:
            for worker in workers:
                shard = shard_in_hand(worker.process.log, self.name)
                files = (
                    {f"{shard[-4:]}/{place}" for place in range(_SHARD_FILES)} if shard else set()
                )
                if files and not files & self.done():
                    return worker, files
            time.sleep(_LOOK_EVERY_S)

    def done(self) -> set[str]:
        """Files with a result."""
        return results(self.store, self.output)

    def until_done(self, files: set[str]) -> float:
        """Seconds until these are."""
        begun = time.monotonic()
        until(lambda: files <= self.done())
        return time.monotonic() - begun

    def until_more(self) -> float:
        """Seconds until another file is done."""
        begun, before = time.monotonic(), self.done()
        until(lambda: bool(self.done() - before))
        return time.monotonic() - begun

    def verdict(self) -> Audit:
        """Once the job is over and nobody holds anything."""
        until(lambda: bool(status(self.name, self.settings).counts.closed_at))
        until(lambda: look_for_leftovers(self.name, self.settings) == Leftovers())
        return audit(gather(self.name, self.output, self.store, self.settings, Options()))


def begin(directory: Path, name: str, audio: str, settings: Settings) -> Job:
    """Enqueue a job of one recording again and again."""
    manifest = directory / f"{name}.jsonl"
    places = [(shard, file) for shard in range(_SHARDS) for file in range(_SHARD_FILES)]
    # files of one length are packed in their order: a shard's number is in their names
    rows = ({"audio": audio, "id": f"{shard:04d}/{file}"} for shard, file in places)
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = f"s3://transcripts/recovery/{uuid.uuid4()}/"
    limits = ShardLimits(files=_SHARD_FILES)
    job = enqueue([str(manifest)], output=output, limits=limits).job
    return Job(job, output, settings, S3Store())


def until(holds: Callable[[], bool]) -> None:
    """Wait for it.

    Raises:
        TimeoutError: it does not come about.
    """
    give_up = time.monotonic() + _DEADLINE_S
    while not holds():
        if time.monotonic() > give_up:
            raise TimeoutError(f"nothing within {_DEADLINE_S:.0f} s; see the workers' logs")
        time.sleep(_LOOK_EVERY_S)
