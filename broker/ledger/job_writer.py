"""JobWriter: the ledger updates of producers."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from funasr_fleet.broker.lease import Leases
from funasr_fleet.broker.ledger import job_scripts as scripts
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.stored_fields import count_in
from funasr_fleet.broker.ledger.values import KEEP_S, FailureExample
from funasr_fleet.broker.redis_client import RedisClient, Script, Value, reached
from funasr_fleet.contract.transcript import Outcome


@dataclass(frozen=True)
class Restored:
    """The outcome of a file, as found in S3."""

    index: int
    outcome: Outcome
    audio_ms: int
    failure: FailureExample | None = None
    relative: str = ""
    warnings: tuple[str, ...] = ()
    """Kinds of warning of its result; (UNKNOWN_WARNINGS,) if they were not recorded."""


class JobWriter:
    """Writes jobs and their plans.

    All methods are idempotent, except next_round, correct_audio, and reopen, which also counts a
    round. All raise BrokerUnavailable when Redis cannot be reached.
    """

    def __init__(self, client: RedisClient, key_prefix: str = "") -> None:
        self._redis = client
        self._keys = Keys(key_prefix)
        self._begin = client.register_script(scripts.BEGIN)
        self._plan = client.register_script(scripts.PLAN)
        self._end_publishing = client.register_script(scripts.END_PUBLISHING)
        self._complete = client.register_script(scripts.COMPLETE)
        self._rebuild = client.register_script(scripts.REBUILD)
        self._remove = client.register_script(scripts.REMOVE)
        self._reopen = client.register_script(scripts.REOPEN)
        self._restore = client.register_script(scripts.RESTORE)
        self._close = client.register_script(scripts.CLOSE)
        self._declare = client.register_script(scripts.DECLARE)
        self._drop_unclaimed = client.register_script(scripts.DROP_UNCLAIMED)
        self._leases = Leases(client)

    def begin(self, job: str, output: str, *, at: float | None = None, **about: str | int) -> bool:
        """Create a job; False when one of that name exists.

        Args:
            job: its name.
            output: prefix of its results.
            at: when it was created, in seconds since the epoch; now by default.
            about: further fields of the job's hash.
        """
        now = time.time() if at is None else at
        fields = {"output": output, "published": 0, **about}
        return bool(self._open(self._begin, job, now, fields))

    def rebuild(self, job: str, output: str, *, at: float, **about: str | int) -> int:
        """Reset the window counters of a job so that all windows can be counted again.

        The arguments are those of `begin`. Recorded outcomes and existing fields are kept. Until
        end_rebuilding or end_publishing, the job does not count as whole. Returns the audio counted
        so far, in ms.
        """
        return int(self._open(self._rebuild, job, at, {"output": output, **about}))

    def complete_fields(self, job: str, output: str, *, at: float, **about: str | int) -> None:
        """Set missing fields of the job's hash, and add the job to the list; see rebuild."""
        self._open(self._complete, job, at, {"output": output, **about})

    def end_rebuilding(self, job: str) -> None:
        """End a rebuild: all windows planned so far are counted; more are still to be planned."""
        reached(self._redis.hdel, self._keys.job(job), "rebuilding")

    def _open(self, script: Script, job: str, at: float, fields: dict[str, str | int]) -> Any:
        flat = [part for field in fields.items() for part in field]
        return reached(script, keys=[self._keys.job(job), self._keys.jobs], args=[at, *flat, job])

    def remove(self, job: str) -> bool:
        """Delete a job without planned windows; False when it has some or is cancelled."""
        keys = [self._keys.job(job), self._keys.jobs]
        return bool(reached(self._remove, keys=keys, args=[job, *self._keys.all_of(job)]))

    def about(self, job: str) -> dict[str, str]:
        """All fields of the job's hash; empty when there is no such job."""
        return reached(self._redis.hgetall, self._keys.job(job))

    def plan(
        self, job: str, window: int, files: int, estimated_ms: int, done: Iterable[int]
    ) -> None:
        """Count a window of files as part of the job. Call it before publishing any of them.

        Args:
            job: its name.
            window: number of the window; each is counted once.
            files: number of files in it.
            estimated_ms: estimated audio of the files to transcribe, in ms.
            done: indexes of files that already have a result.
        """
        values = [window, files, estimated_ms, *done]
        reached(self._plan, keys=[self._keys.job(job)], args=values)

    def save_cursor(self, job: str, window: int, shards: int) -> None:
        """Record that all earlier windows and this many shards of this window are published."""
        cursor = {"cursor_window": window, "cursor_shards": shards}
        reached(self._redis.hset, self._keys.job(job), mapping=cursor)

    def cursor(self, job: str) -> tuple[int, int]:
        """(window, shards of it) published so far; see save_cursor."""
        names = ("cursor_window", "cursor_shards")
        window, shards = reached(self._redis.hmget, self._keys.job(job), names)
        return count_in(window), count_in(shards)

    def declare(self, job: str, output: str, files: int) -> str | None:
        """Set the number of files of a job that no producer opened; see JobCounts.declared.

        Returns the output prefix of the job if S3 may have an outdated _SUCCESS marker of it:
        delete the marker, then call marker_deleted. Returns None otherwise.
        """
        keys = [self._keys.job(job), self._keys.jobs]
        found = reached(self._declare, keys=keys, args=[files, output, time.time(), job, KEEP_S])
        return None if found is None else str(found)

    def marker_deleted(self, job: str) -> None:
        """Record that S3 has no _SUCCESS marker of the job."""
        reached(self._redis.hdel, self._keys.job(job), "marker_outdated")

    def mark_unindexed(self, job: str) -> None:
        """Record that files of another client's job have no index; see JobCounts.unindexed."""
        reached(self._redis.hset, self._keys.job(job), "unindexed", 1)

    def end_publishing(self, job: str, windows: int | None = None) -> None:
        """Mark the job as completely published.

        `windows` is the number of windows in its plan; by default, the number counted.
        """
        number = "" if windows is None else windows
        reached(self._end_publishing, keys=[self._keys.job(job)], args=[number])

    def cancel(self, job: str) -> None:
        """Cancel the job: no new file is started."""
        reached(self._redis.hsetnx, self._keys.job(job), "cancelled_at", time.time())

    def is_cancelled(self, job: str) -> bool:
        """Whether the job is cancelled."""
        return reached(self._redis.hexists, self._keys.job(job), "cancelled_at")

    def reopen(self, job: str, indexes: Iterable[int]) -> None:
        """Discard the outcomes of these files and reopen the job; the files wait again."""
        with self._redis.pipeline() as pipe:
            for key in self._keys.all_of(job):
                pipe.persist(key)
            reached(pipe.execute)
        reached(self._reopen, keys=[self._keys.job(job)], args=list(indexes))

    def published_again(self, job: str, indexes: Iterable[int]) -> None:
        """Record that these reopened files have been published again."""
        with self._redis.pipeline() as pipe:
            for index in indexes:
                pipe.setbit(self._keys.job(job, "reopened"), index, 0)
            reached(pipe.execute)

    def next_round(self, job: str) -> int:
        """Increment and return the job's number of republications; the first call returns 1."""
        return reached(self._redis.hincrby, self._keys.job(job), "rounds", 1)

    def restore(self, job: str, found: Sequence[Restored]) -> int:
        """Restore outcomes found in S3 for files without an outcome in the ledger.

        Returns the audio added, in ms.
        """
        values: list[Value] = []
        for one in found:
            failure = one.failure
            example = {"relative": one.relative, "message": failure.message if failure else ""}
            kind = failure.kind if failure else ""
            values += [one.index, one.outcome, one.audio_ms, kind, json.dumps(example)]
            values.append(",".join(one.warnings))
        if not values:
            return 0
        return int(reached(self._restore, keys=[self._keys.job(job)], args=values))

    def drop_unclaimed_shards(self, job: str, claims: str) -> None:
        """Remove the open shards whose lock no process holds, so that the job can end.

        Their messages may be lost: first publish their unfinished files again, in other shards.
        `claims` is the prefix that the lock keys (claim_key) of all shards of the job share.
        """
        reached(self._drop_unclaimed, keys=[self._keys.job(job, "shards")], args=[claims])
        reached(self._redis.delete, self._keys.job(job, "postponed"))

    def correct_audio(self, job: str, by_ms: int) -> None:
        """Correct the sum of processed audio after double or missing counts."""
        with self._redis.pipeline() as pipe:
            for sum_of in ("audio_ms", "restored_ms"):
                pipe.hincrby(self._keys.job(job), sum_of, by_ms)
            reached(pipe.execute)

    def claim_closing(self, job: str, token: str, lease_s: int) -> bool:
        """Take the lock for closing the job; False when another process holds it.

        It expires after lease_s seconds.
        """
        return self._leases.take(self._keys.job(job, "closing"), token, lease_s).owner == token

    def release_closing(self, job: str, token: str) -> None:
        """Release the lock for closing the job, if this token holds it."""
        self._leases.release(self._keys.job(job, "closing"), token)

    def close(self, job: str, keep_s: int, rounds: int) -> bool:
        """Mark the job as closed, and let its keys expire.

        Args:
            job: its name.
            keep_s: seconds until its keys expire.
            rounds: JobCounts.rounds as read before closing. If they have changed, or a shard is
                open, nothing is changed.

        Returns:
            Whether the job was closed.
        """
        values = [rounds, time.time()]
        if not reached(self._close, keys=[self._keys.job(job)], args=values):
            return False
        with self._redis.pipeline() as pipe:
            for key in self._keys.all_of(job):
                pipe.expire(key, keep_s)
            reached(pipe.execute)
        return True

    def forget(self, jobs: Iterable[str]) -> None:
        """Remove these jobs from the list of jobs; their keys have expired."""
        names = list(jobs)
        if names:
            with self._redis.pipeline() as pipe:
                pipe.zrem(self._keys.jobs, *names)
                pipe.zrem(self._keys.undeclared, *names)
                reached(pipe.execute)
