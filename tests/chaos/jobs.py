"""Jobs of the tests: files, outcomes, held messages and locks, and the shard in progress."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.faults.audit import Audit, audit
from bench.faults.evidence import Evidence, Leftovers
from bench.faults.gathering import gather, look_for_leftovers, results
from funasr_fleet import enqueue
from funasr_fleet.broker.ledger import JobCounts, LedgerReader, connect
from funasr_fleet.contract.job import Options
from funasr_fleet.contract.layout import error_uri
from funasr_fleet.contract.queues import BrokerUnavailable, broker_lists, lanes
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.s3 import S3Store
from tests.chaos.fleet import Fleet, Member, until

OPTIONS = Options(formats=("json", "srt"))
_QUIET_DEADLINE_S = 150.0
"""Shards of other clients may be waiting for their next attempt."""


@dataclass(frozen=True)
class Job:
    """A job, enqueued or not yet enqueued."""

    name: str
    output: str
    settings: Settings
    store: ObjectStore
    fleet: Fleet

    def counts(self) -> JobCounts | None:
        """Counts of its outcomes; None while the broker is unavailable."""
        try:
            return LedgerReader(connect(self.settings)).counts(self.name)
        except BrokerUnavailable:
            return None

    @property
    def finished(self) -> int:
        counts = self.counts()
        return counts.finished if counts else 0

    def is_over(self) -> bool:
        counts = self.counts()
        return bool(counts and counts.closed_at)

    def wait_until_over(self, deadline_s: float) -> None:
        until(self.is_over, deadline_s, f"the end of {self.name}", self.describe)

    def wait_until_finished(self, files: int, deadline_s: float = 60.0) -> None:
        what = f"{files} files of {self.name}"
        until(lambda: self.finished >= files, deadline_s, what, self.describe)

    def results(self) -> set[str]:
        return results(self.store, self.output)

    def error(self, relative: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.store.read(error_uri(self.output, relative)))
        return document["error"]  # type: ignore[no-any-return]

    def examine(self) -> tuple[Evidence, Audit]:
        """Gather all results once no message or lock is held.

        A worker that was cut off may hold a message again for a moment, until it sees that the
        shard is done.
        """
        found = until(self._gather, _QUIET_DEADLINE_S, "no message or lock is held", self.describe)
        return found, audit(found)

    def _gather(self) -> Evidence | None:
        if look_for_leftovers(self.name, self.settings) != Leftovers():
            return None
        found = gather(self.name, self.output, self.store, self.settings, OPTIONS)
        return found if found.leftovers == Leftovers() else None

    def check(self) -> Evidence:
        found, verdict = self.examine()
        assert verdict.problems == (), "\n".join((*verdict.problems, self.describe()))
        assert (verdict.lost, verdict.double_counted) == (0, 0)
        return found

    def describe(self) -> str:
        lines = [f"{time.strftime('%H:%M:%S')} {self.counts()}"]
        try:
            redis: Any = connect(self.settings)
            left = look_for_leftovers(self.name, self.settings)
            lines += [f"waiting {left.waiting}, open {left.open_shards}, claims {left.claims}"]
            for tag, raw in redis.hgetall("unacked").items():
                score = redis.zscore("unacked_index", tag)
                age = "never" if score is None else f"{time.time() - score:.0f} s ago"
                lines.append(f"unacked {_shard_of(raw)} ({tag}), delivered or renewed {age}")
            lines += [f"{key} = {redis.get(key)}, {redis.ttl(key)} s" for key in left.claims]
        except Exception as error:  # describe as much as possible
            lines.append(f"the broker: {error}")
        return "\n".join([*lines, self.fleet.describe()])


def _shard_of(raw: str) -> str:
    message, *_ = json.loads(raw)
    return str(message["headers"]["id"])


def upload(store: ObjectStore, files: Mapping[str, bytes]) -> dict[str, str]:
    """Upload recordings and return their addresses by name."""
    prefix = f"s3://audio/{uuid.uuid4()}/"
    for name, body in files.items():
        store.write(prefix + name, body, "application/octet-stream")
    return {name: prefix + name for name in files}


def write_manifest(path: Path, rows: Iterable[tuple[str, str]]) -> str:
    """Write one line per file: its name and the address of its audio."""
    lines = (json.dumps({"audio": audio, "id": name}) for name, audio in rows)
    path.write_text("".join(line + "\n" for line in lines))
    return str(path)


def begin(fleet: Fleet, settings: Settings, manifest: str, shard_files: int) -> Job:
    output = f"s3://transcripts/{uuid.uuid4()}/"
    result = enqueue(
        [manifest], output=output, options=OPTIONS, limits=ShardLimits(files=shard_files)
    )
    return Job(result.job, output, settings, S3Store(), fleet)


def duplicate_deliveries(settings: Settings, most: int) -> int:
    """Duplicate waiting messages, including delivery tags; return their number.

    If none is waiting, unacknowledged messages are redelivered, as after a visibility timeout.
    """
    redis: Any = connect(settings)
    copied = 0
    for key in (name for lane in lanes(settings.queue) for name in broker_lists(lane)):
        some = redis.lrange(key, -(most - copied), -1) if copied < most else []
        if some:
            redis.rpush(key, *some)
        copied += len(some)
    held = () if copied else redis.hvals("unacked")[:most]
    for message, _, lane in map(json.loads, held):
        redis.rpush(lane, json.dumps(message))
    return copied or len(held)


SHARD_FILES = 4
_DEADLINE_S = 90.0


@dataclass(frozen=True)
class BusyWorker:
    """A worker with a shard in progress."""

    member: Member
    others: list[Member]
    shard: str
    files: frozenset[str]
    """Names of the files of this shard."""


def names(shards: int, shard_files: int = SHARD_FILES) -> list[str]:
    """File names of the form SHARD-FILE; files of equal length are packed in this order."""
    return [f"{shard}-{file}" for shard in range(shards) for file in range(shard_files)]


def files_of(shard: str, shard_files: int = SHARD_FILES) -> frozenset[str]:
    """The names of the files in a published shard, derived from its number; see `names`."""
    return frozenset(f"{int(shard[-4:])}-{file}" for file in range(shard_files))


def wait_for_busy_worker(job: Job, members: Iterable[Member]) -> BusyWorker:
    """Wait for a worker that has started a shard and finished none of its files."""
    every = list(members)

    def look() -> BusyWorker | None:
        for one in every:
            shard = one.active_shard(job.name)
            if shard and not job.results() & files_of(shard):
                return BusyWorker(one, [o for o in every if o is not one], shard, files_of(shard))
        return None

    return until(look, _DEADLINE_S, "a worker in the middle of a shard", job.describe)


def wait_until_done(job: Job, files: frozenset[str], deadline_s: float) -> None:
    what = f"results of {sorted(files)}"
    until(lambda: files <= job.results(), deadline_s, what, job.describe)
