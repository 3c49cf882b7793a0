"""A job's fast memory in Redis: one bitmap per outcome, set by file index, so idempotent.

A file delivered twice is counted once, and ten million files take a few megabytes. The truth
stays in S3: this can be lost.
"""

import time
from dataclasses import dataclass
from typing import Any, get_args

import redis
import redis.backoff
import redis.retry

from contract.queues import BrokerUnavailable, broker_lists
from contract.settings import Settings
from contract.transcript import Outcome

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_PATIENT_TRIES = 30
"""With waits of up to 10 s: about four minutes."""

_RECORD = """
local before = 0
for i = 1, #KEYS - 1 do
  if redis.call('GETBIT', KEYS[i], ARGV[1]) == 1 then before = i end
end
local failed = tonumber(ARGV[5])
if before > 0 and ARGV[4] == '1' and (before ~= failed or ARGV[2] == ARGV[5]) then return 0 end
if before > 0 then redis.call('SETBIT', KEYS[before], ARGV[1], 0) end
redis.call('SETBIT', KEYS[tonumber(ARGV[2])], ARGV[1], 1)
if before == 0 or before == failed then
  redis.call('HINCRBY', KEYS[#KEYS], 'audio_ms', ARGV[3])
end
return 1
"""
"""The outcome recorded last counts, unless it is weak (ARGV[4]) and there is a better one; a
file's audio is counted once, a failed one's (ARGV[5]) when it succeeds after all."""


@dataclass(frozen=True, kw_only=True)
class JobCounts:
    """How far a job has come."""

    job: str
    output: str
    """Prefix of the outputs."""
    created_at: float
    """Seconds since the epoch."""
    published: bool
    """Whether every shard has been published; until then `files` still grows."""
    files: int
    """Files published, and those found done when the job was enqueued."""
    audio_ms: int
    """Audio processed so far."""
    outcomes: dict[Outcome, int]

    @property
    def finished(self) -> int:
        """Files that have an outcome."""
        return sum(self.outcomes.values())

    @property
    def complete(self) -> bool:
        """Whether no file is waited for any more."""
        return self.published and self.finished >= self.files


def connect(settings: Settings, *, patient: bool = False) -> redis.Redis:
    """A client for the ledger; make it in the process that uses it.

    Args:
        settings: where Redis is.
        patient: wait some minutes for a Redis that is away, as a worker should; else ask once.
    """
    waits = redis.retry.Retry(redis.backoff.ExponentialBackoff(cap=10, base=0.1), _PATIENT_TRIES)
    return redis.Redis.from_url(
        settings.broker_url,
        decode_responses=True,
        socket_connect_timeout=5,
        socket_timeout=30,
        retry=waits if patient else None,
    )


class Ledger:
    """Reads and writes the ledgers of all jobs of one fleet.

    Every method raises BrokerUnavailable when Redis cannot be reached.
    """

    def __init__(self, client: redis.Redis, key_prefix: str = "") -> None:
        self._redis: Any = client
        self._prefix = key_prefix
        self._record: Any = client.register_script(_RECORD)

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(("fleet", *parts))

    def begin(self, job: str, output: str) -> bool:
        """Open a job; False when there is one of that name."""
        now = time.time()
        if not reached(self._redis.hsetnx, self._key("job", job), "created_at", now):
            return False
        with self._redis.pipeline() as pipe:
            pipe.hset(self._key("job", job), mapping={"output": output, "published": 0})
            pipe.zadd(self._key("jobs"), {job: now})
            reached(pipe.execute)
        return True

    def add_files(self, job: str, count: int) -> None:
        """Count files as part of the job."""
        reached(self._redis.hincrby, self._key("job", job), "files", count)

    def end_publishing(self, job: str) -> None:
        """No more files will come."""
        reached(self._redis.hset, self._key("job", job), "published", 1)

    def record(
        self, job: str, index: int, outcome: Outcome, audio_ms: int, *, only_first: bool = False
    ) -> None:
        """Set a file's outcome; doing so again changes no sum.

        Args:
            job: whose file it is.
            index: the file's position in the job.
            outcome: how the file ended; skipped never replaces the work that made the result.
            audio_ms: audio transcribed.
            only_first: leave any outcome that the file has already.
        """
        keys = [self._key("job", job, name) for name in OUTCOMES] + [self._key("job", job)]
        position, failed = OUTCOMES.index(outcome) + 1, OUTCOMES.index("failed") + 1
        weak = int(only_first or outcome == "skipped")
        reached(self._record, keys=keys, args=[index, position, audio_ms, weak, failed])

    def counts(self, job: str) -> JobCounts | None:
        """How far the job has come; None when there is no such job."""
        with self._redis.pipeline() as pipe:
            pipe.hgetall(self._key("job", job))
            for name in OUTCOMES:
                pipe.bitcount(self._key("job", job, name))
            meta, *bits = reached(pipe.execute)
        if not meta:
            return None
        return JobCounts(
            job=job,
            output=meta.get("output", ""),
            created_at=float(meta.get("created_at", 0)),
            # a job that no producer has begun has what its messages brought
            published=meta.get("published", "1") == "1",
            files=max(int(meta.get("files", 0)), sum(bits)),
            audio_ms=int(meta.get("audio_ms", 0)),
            outcomes=dict(zip(OUTCOMES, bits, strict=True)),
        )

    def jobs(self) -> list[str]:
        """Names of all jobs, the newest first."""
        names: list[str] = reached(self._redis.zrevrange, self._key("jobs"), 0, -1)
        return names

    def backlog(self, queue: str) -> tuple[int, int]:
        """(ready, unacknowledged) messages of the queue."""
        with self._redis.pipeline() as pipe:
            for name in broker_lists(queue):
                pipe.llen(self._prefix + name)
            pipe.hlen(self._prefix + "unacked")
            *ready, unacked = reached(pipe.execute)
        return sum(ready), unacked

    def check(self) -> None:
        """Prove that Redis answers."""
        reached(self._redis.ping)


def reached(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Call Redis; its errors of connection and login become BrokerUnavailable.

    Their text holds host and port, never the password.
    """
    try:
        return call(*args, **kwargs)
    except redis.AuthenticationError as error:
        raise BrokerUnavailable(f"Redis refused the login: {error}") from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise BrokerUnavailable(f"Redis cannot be reached: {error}") from None
    except redis.RedisError as error:  # out of memory, read only, loading: it may pass
        raise BrokerUnavailable(f"Redis refused a command: {error}") from None
