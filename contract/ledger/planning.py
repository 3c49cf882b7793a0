"""What producers write into the ledger."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import redis

from contract.ledger import scripts
from contract.ledger.connection import reached
from contract.ledger.keys import Keys
from contract.ledger.values import FailureExample
from contract.transcript import Outcome

Restored = tuple[int, Outcome, int, FailureExample | None]
"""(index, outcome, audio ms, why it failed)."""


class Planner:
    """Every method may be called twice, and raises BrokerUnavailable when Redis is away."""

    def __init__(self, client: redis.Redis, key_prefix: str = "") -> None:
        self._redis: Any = client
        self._keys = Keys(key_prefix)
        self._begin: Any = client.register_script(scripts.BEGIN)
        self._plan: Any = client.register_script(scripts.PLAN)
        self._end_publishing: Any = client.register_script(scripts.END_PUBLISHING)
        self._complete: Any = client.register_script(scripts.COMPLETE)
        self._rebuild: Any = client.register_script(scripts.REBUILD)
        self._remove: Any = client.register_script(scripts.REMOVE)
        self._reopen: Any = client.register_script(scripts.REOPEN)
        self._restore: Any = client.register_script(scripts.RESTORE)
        self._close: Any = client.register_script(scripts.CLOSE)
        self._drop_unclaimed: Any = client.register_script(scripts.DROP_UNCLAIMED)
        self._release: Any = client.register_script(scripts.RELEASE)

    def begin(self, job: str, output: str, *, at: float | None = None, **about: str | int) -> bool:
        """Open a job; False when there is one of that name.

        Args:
            job: its name.
            output: prefix of its results.
            at: when it was begun, in seconds since the epoch; now by default.
            about: further fields of the job's hash.
        """
        now = time.time() if at is None else at
        fields = {"output": output, "published": 0, **about}
        return bool(self._open(self._begin, job, now, fields))

    def rebuild(self, job: str, output: str, *, at: float, **about: str | int) -> int:
        """Prepare to count every window of a job again; what is known of it is kept.

        Until end_rebuilding or end_publishing, the job does not count as whole.

        Args:
            job: its name.
            output: prefix of its results.
            at: when it was begun, in seconds since the epoch.
            about: further fields of the job's hash, for those that are missing.

        Returns:
            The audio that is counted, in ms.
        """
        return int(self._open(self._rebuild, job, at, {"output": output, **about}))

    def complete_fields(self, job: str, output: str, *, at: float, **about: str | int) -> None:
        """Set those fields of the job's hash that are missing, and list the job; see rebuild."""
        self._open(self._complete, job, at, {"output": output, **about})

    def end_rebuilding(self, job: str) -> None:
        """Every window that was planned so far is counted again; more are still to be planned."""
        reached(self._redis.hdel, self._keys.job(job), "rebuilding")

    def _open(self, script: Any, job: str, at: float, fields: dict[str, str | int]) -> Any:
        flat = [part for field in fields.items() for part in field]
        return reached(script, keys=[self._keys.job(job), self._keys.jobs], args=[at, *flat, job])

    def remove(self, job: str) -> bool:
        """Forget a job of which nothing is planned; False when something is, or it is cancelled."""
        keys = [self._keys.job(job), self._keys.jobs]
        return bool(reached(self._remove, keys=keys, args=[job, *self._keys.all_of(job)]))

    def about(self, job: str) -> dict[str, str]:
        """Every field of the job's hash; none when there is no such job."""
        fields: dict[str, str] = reached(self._redis.hgetall, self._keys.job(job))
        return fields

    def plan(
        self, job: str, window: int, files: int, estimated_ms: int, done: Iterable[int]
    ) -> None:
        """Count a window of files as part of the job, before any of them can be done.

        Args:
            job: its name.
            window: number of the window; one that was counted before is not counted again.
            files: how many there are in it.
            estimated_ms: audio of those to be done.
            done: indexes of those that have their result already.
        """
        values = [window, files, estimated_ms, *done]
        reached(self._plan, keys=[self._keys.job(job)], args=values)

    def save_cursor(self, job: str, window: int, shards: int) -> None:
        """So many shards of this window, and all windows before it, have been published."""
        cursor = {"cursor_window": window, "cursor_shards": shards}
        reached(self._redis.hset, self._keys.job(job), mapping=cursor)

    def cursor(self, job: str) -> tuple[int, int]:
        """(window, shards of it) up to which all is published."""
        names = ("cursor_window", "cursor_shards")
        window, shards = reached(self._redis.hmget, self._keys.job(job), names)
        return int(window or 0), int(shards or 0)

    def end_publishing(self, job: str, windows: int | None = None) -> None:
        """No more files will come.

        Args:
            job: its name.
            windows: how many the plan has; by default, as many as were counted.
        """
        said = "" if windows is None else windows
        reached(self._end_publishing, keys=[self._keys.job(job)], args=[said])

    def cancel(self, job: str) -> None:
        """Nobody begins another file of the job."""
        reached(self._redis.hsetnx, self._keys.job(job), "cancelled_at", time.time())

    def is_cancelled(self, job: str) -> bool:
        """Whether somebody cancelled it."""
        return bool(reached(self._redis.hexists, self._keys.job(job), "cancelled_at"))

    def reopen(self, job: str, indexes: Iterable[int]) -> None:
        """These files wait again, whatever became of them, and the job is not over."""
        with self._redis.pipeline() as pipe:
            for key in self._keys.all_of(job):
                pipe.persist(key)
            reached(pipe.execute)
        reached(self._reopen, keys=[self._keys.job(job)], args=list(indexes))

    def published_again(self, job: str, indexes: Iterable[int]) -> None:
        """Files that were reopened are in messages by now."""
        with self._redis.pipeline() as pipe:
            for index in indexes:
                pipe.setbit(self._keys.job(job, "reopened"), index, 0)
            reached(pipe.execute)

    def next_round(self, job: str) -> int:
        """1 for the first time that files of the job are published again, and so on."""
        return int(reached(self._redis.hincrby, self._keys.job(job), "rounds", 1))

    def restore(self, job: str, found: Sequence[Restored]) -> int:
        """What S3 says of files; those of which the ledger knows something are left alone.

        Returns the audio of the others, in ms, which is counted now.
        """
        values: list[Any] = []
        for index, outcome, audio_ms, failure in found:
            kind = failure.kind if failure else ""
            said = {"relative": failure.relative, "message": failure.message} if failure else {}
            values += [index, outcome, audio_ms, kind, json.dumps(said)]
        if not values:
            return 0
        return int(reached(self._restore, keys=[self._keys.job(job)], args=values))

    def drop_unclaimed_shards(self, job: str, claims: str) -> None:
        """Let the job end without the open shards that no process works on.

        Their messages may be lost. To be called after their files that have neither result nor
        error were published again in other shards.

        Args:
            job: its name.
            claims: claim_key of the job's shards, without the name of a shard.
        """
        reached(self._drop_unclaimed, keys=[self._keys.job(job, "shards")], args=[claims])

    def correct_audio(self, job: str, by_ms: int) -> None:
        """Audio was counted twice, or is missing: change the sum of what is done."""
        with self._redis.pipeline() as pipe:
            for sum_of in ("audio_ms", "restored_ms"):
                pipe.hincrby(self._keys.job(job), sum_of, by_ms)
            reached(pipe.execute)

    def claim_closing(self, job: str, token: str, lease_s: int) -> bool:
        """Whether this process is the one to write the job's end; for so long nobody else is."""
        key = self._keys.job(job, "closing")
        return bool(reached(self._redis.set, key, token, nx=True, ex=lease_s))

    def release_closing(self, job: str, token: str) -> None:
        """Let others write the job's end."""
        reached(self._release, keys=[self._keys.job(job, "closing")], args=[token])

    def close(self, job: str, keep_s: int, rounds: int) -> bool:
        """The job's end is written; what Redis knows of it is forgotten after some time.

        Args:
            job: its name.
            keep_s: how long it is remembered.
            rounds: how often files had been published again when the end was looked at; False
                when that has happened since, and nothing is changed.
        """
        if not reached(self._close, keys=[self._keys.job(job)], args=[rounds, time.time()]):
            return False
        with self._redis.pipeline() as pipe:
            for key in self._keys.all_of(job):
                pipe.expire(key, keep_s)
            reached(pipe.execute)
        return True

    def forget(self, jobs: Iterable[str]) -> None:
        """Take jobs off the list whose keys are gone."""
        names = list(jobs)
        if names:
            reached(self._redis.zrem, self._keys.jobs, *names)
