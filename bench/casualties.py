"""Two workers that are killed in the middle of a job, and the audit of the job."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.faults import killing
from bench.faults.audit import Audit, audit
from bench.faults.evidence import Leftovers
from bench.faults.gathering import gather, look_for_leftovers, results
from bench.faults.telling import shard_in_hand
from funasr_fleet import enqueue, status
from funasr_fleet.contract.job import Options
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store

_SHARDS, _SHARD_FILES = 6, 3
_DEADLINE_S = 600.0
_LOOK_EVERY_S = 0.2


@dataclass(eq=False)
class Fleet:
    """Two workers that are replaced when they are killed."""

    environment: dict[str, str]
    directory: Path
    workers: list[LocalWorker] = field(default_factory=list)
    _started: int = 0

    def stand(self) -> list[LocalWorker]:
        """Return two ready workers."""
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
        """Stop both workers."""
        for one in self.workers:
            one.process.stop()


@dataclass(frozen=True)
class Job:
    """A job whose file names contain the number of their shard."""

    name: str
    output: str
    settings: Settings
    store: S3Store

    def caught(self, workers: list[LocalWorker]) -> tuple[LocalWorker, set[str]]:
        """Return a busy worker and the files that it has in progress."""
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
        """Return the files with a result."""
        return results(self.store, self.output)

    def until_done(self, files: set[str]) -> float:
        """Wait until these files are done; return the seconds."""
        begun = time.monotonic()
        until(lambda: files <= self.done())
        return time.monotonic() - begun

    def until_more(self) -> float:
        """Wait until another file is done; return the seconds."""
        begun, before = time.monotonic(), self.done()
        until(lambda: bool(self.done() - before))
        return time.monotonic() - begun

    def verdict(self) -> Audit:
        """Audit the job once it is over and no message or lock is held."""
        until(lambda: bool(status(self.name, self.settings).counts.closed_at))
        until(lambda: look_for_leftovers(self.name, self.settings) == Leftovers())
        return audit(gather(self.name, self.output, self.store, self.settings, Options()))


def begin(directory: Path, name: str, audio: str, settings: Settings) -> Job:
    """Enqueue a job that repeats one recording."""
    manifest = directory / f"{name}.jsonl"
    places = [(shard, file) for shard in range(_SHARDS) for file in range(_SHARD_FILES)]
    # files of equal length are packed in order, so the name can contain the shard's number
    rows = ({"audio": audio, "id": f"{shard:04d}/{file}"} for shard, file in places)
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = f"s3://transcripts/recovery/{uuid.uuid4()}/"
    limits = ShardLimits(files=_SHARD_FILES)
    job = enqueue([str(manifest)], output=output, limits=limits).job
    return Job(job, output, settings, S3Store())


def until(holds: Callable[[], bool]) -> None:
    """Wait until the condition holds.

    Raises:
        TimeoutError: the condition does not hold in time.
    """
    give_up = time.monotonic() + _DEADLINE_S
    while not holds():
        if time.monotonic() > give_up:
            raise TimeoutError(f"no progress within {_DEADLINE_S:.0f} s; see the workers' logs")
        time.sleep(_LOOK_EVERY_S)
