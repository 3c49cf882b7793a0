"""LedgerReader: progress of jobs, and what workers reported."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from funasr_fleet.broker.ledger.bitmaps import HEX, bits_of
from funasr_fleet.broker.ledger.file_warnings import WARNINGS, WarningExample
from funasr_fleet.broker.ledger.job_writer import JobWriter
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.latency import read_latency
from funasr_fleet.broker.ledger.stored_fields import is_before, is_job_name, read_texts
from funasr_fleet.broker.ledger.values import (
    KINDS,
    OUTCOMES,
    FailureExample,
    JobCounts,
    Minute,
    read_counts,
    read_minutes,
)
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen, read_worker
from funasr_fleet.broker.redis_client import Pipeline, RedisClient, reached
from funasr_fleet.broker.unacked import unacked_by_queue
from funasr_fleet.contract.queues import BrokerUnavailable, broker_lists, lanes

_NEWEST = 200
"""Maximum number of jobs, the newest ones, that jobs_by_queue and open_jobs_of read."""

_JOBS_AT_ONCE = 100
"""Jobs per transaction: Redis serves no other client while it runs one."""


class LedgerReader:
    """Reads the ledgers of all jobs of one fleet.

    Every method raises BrokerUnavailable when Redis cannot be reached.
    """

    def __init__(self, client: RedisClient, key_prefix: str = "") -> None:
        self._redis = client
        self._prefix = key_prefix
        self._keys = Keys(key_prefix)

    def counts(self, job: str) -> JobCounts | None:
        """The job's counters; None when there is no such job.

        A job with only a part of its keys is returned too, with `whole` False.
        """
        with self._redis.pipeline() as pipe:
            self._queue_counts(pipe, job)
            counts = read_counts(job, *reached(pipe.execute))
        return counts and self._check_unplanned(counts)

    def counts_and_minutes(self, jobs: Sequence[str]) -> Iterator[tuple[JobCounts, list[Minute]]]:
        """counts() and minutes() of many jobs, in order; unknown jobs are skipped."""
        for start in range(0, len(jobs), _JOBS_AT_ONCE):
            some = jobs[start : start + _JOBS_AT_ONCE]
            with self._redis.pipeline() as pipe:
                for job in some:
                    pipe.hgetall(self._keys.job(job, "minutes"))
                    self._queue_counts(pipe, job)
                answers = reached(pipe.execute)
            each = len(answers) // len(some)
            for place, job in enumerate(some):
                minutes, *replies = answers[place * each : (place + 1) * each]
                if counts := read_counts(job, *replies):
                    yield self._check_unplanned(counts), read_minutes(minutes)

    def _check_unplanned(self, counts: JobCounts) -> JobCounts:
        """Set `whole` to False when outcomes are counted for files outside the plan.

        Another client may send shards under the name of a planned job. Their files must not be
        mistaken for planned ones that still wait.
        """
        if not counts.ready_to_close or counts.cancelled_at or counts.closed_at:
            return counts
        whole_bytes, bits = divmod(counts.files, 8)
        with self._redis.pipeline() as pipe:
            for outcome in OUTCOMES:
                key = self._keys.job(counts.job, outcome)
                pipe.bitcount(key, whole_bytes + (bits > 0), -1)
                for index in range(counts.files, 8 * (whole_bytes + (bits > 0))):
                    pipe.getbit(key, index)
            return replace(counts, whole=False) if any(reached(pipe.execute)) else counts

    def _queue_counts(self, pipe: Pipeline, job: str) -> None:
        """Queue the commands whose replies read_counts takes."""
        pipe.hgetall(self._keys.job(job))
        pipe.hvals(self._keys.job(job, "shards"))
        kinds = (*(f"kind:{kind}" for kind in KINDS), *(f"warning:{kind}" for kind in WARNINGS))
        for name in ("windows", *OUTCOMES, *kinds):
            pipe.bitcount(self._keys.job(job, name))

    def jobs(self) -> list[str]:
        """Names of all jobs, the newest first.

        Of the jobs whose client did not declare their number of files, only the newest
        UNDECLARED_LISTED are listed.
        """
        with self._redis.pipeline() as pipe:
            for key in (self._keys.undeclared, self._keys.jobs):
                pipe.zrevrange(key, 0, -1, withscores=True)
            undeclared, others = reached(pipe.execute)
        found = {**dict(undeclared), **dict(others)}
        names = filter(is_job_name, found)
        return sorted(names, key=lambda job: (found[job], job), reverse=True)

    def _newest_declared(self) -> list[str]:
        return [
            *filter(is_job_name, reached(self._redis.zrevrange, self._keys.jobs, 0, _NEWEST - 1))
        ]

    def open_since(self, moment: float) -> list[str]:
        """Names of jobs that are open, or were at that moment (seconds since the epoch).

        Expired jobs are removed from the list, or each call would read the whole history.
        """
        names = self.jobs()
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(self._keys.job(name), "created_at", "closed_at")
            times = dict(zip(names, reached(pipe.execute), strict=True))
        gone = self._gone([name for name, (created_at, _) in times.items() if not created_at])
        with contextlib.suppress(BrokerUnavailable):  # a read-only user gets the same answer
            JobWriter(self._redis, self._prefix).forget(gone)
        found = ((name, closed_at) for name, (_, closed_at) in times.items() if name not in gone)
        return [name for name, closed_at in found if not is_before(closed_at, moment)]

    def _gone(self, names: Sequence[str]) -> set[str]:
        """Those of the named jobs of which no key is left."""
        return {*names} - {counts.job for counts, _ in self.counts_and_minutes(names)}

    def jobs_by_queue(self) -> dict[str, int]:
        """Number of open jobs by their queue, among the newest jobs."""
        names = self._newest_declared()
        with self._redis.pipeline() as pipe:
            for name in names:
                pipe.hmget(self._keys.job(name), "queue", "closed_at", "cancelled_at")
            replies = reached(pipe.execute)
        return dict(Counter(queue for queue, *over in replies if queue and not any(over)))

    def open_jobs_of(self, output: str) -> list[str]:
        """Names of the unfinished jobs with this output prefix, among the newest jobs.

        A job without a declared number of files is unfinished while one of its shards is open.
        """
        undeclared = reached(self._redis.zrevrange, self._keys.undeclared, 0, -1)
        names = list(dict.fromkeys((*self._newest_declared(), *filter(is_job_name, undeclared))))
        with self._redis.pipeline() as pipe:
            for name in names:
                pipe.hmget(
                    self._keys.job(name), "output", "created_at", "closed_at", "cancelled_at"
                )
                pipe.hlen(self._keys.job(name, "shards"))
            replies = reached(pipe.execute)
        found = zip(names, replies[::2], replies[1::2], strict=True)
        return [
            name
            for name, (where, created_at, *over), open_shards in found
            if where == output and (created_at or open_shards) and not any(over)
        ]

    def minutes(self, job: str) -> list[Minute]:
        """Files finished in each minute, in order; minutes without any are left out."""
        return read_minutes(reached(self._redis.hgetall, self._keys.job(job, "minutes")))

    def postponed(self, job: str) -> tuple[dict[str, int], str]:
        """(number of postponed shards by reason, the last error or "" if no shard is postponed)."""
        with self._redis.pipeline() as pipe:
            pipe.hvals(self._keys.job(job, "postponed"))
            pipe.hmget(self._keys.job(job), "postponed_message")
            reasons, (message,) = reached(pipe.execute)
        return dict(sorted(Counter(reasons).items())), (message or "") if reasons else ""

    def latency(self, job: str) -> dict[int, int]:
        """Files by bucket of their time from start to commit; see LATENCY_BOUNDS_S."""
        stored = reached(self._redis.hgetall, self._keys.job(job, "latency"))
        return read_latency(stored)

    def examples(self, job: str) -> list[FailureExample]:
        """Up to EXAMPLES_PER_KIND failed files of each kind."""
        with self._redis.pipeline() as pipe:
            for kind in KINDS:
                pipe.hgetall(self._keys.job(job, f"examples:{kind}"))
            stored = reached(pipe.execute)
        return [
            FailureExample(kind=kind, index=index, **example)
            for kind, some in zip(KINDS, stored, strict=True)
            for index, example in read_texts(some, "relative", "message")
        ]

    def warning_examples(self, job: str) -> list[WarningExample]:
        """Up to EXAMPLES_PER_KIND files of each kind of warning."""
        with self._redis.pipeline() as pipe:
            for kind in WARNINGS:
                pipe.hgetall(self._keys.job(job, f"warning_examples:{kind}"))
            stored = reached(pipe.execute)
        return [
            WarningExample(kind=kind, index=index, **example)
            for kind, some in zip(WARNINGS, stored, strict=True)
            for index, example in read_texts(some, "relative")
        ]

    def indexes(self, job: str, name: str) -> list[int]:
        """Indexes of the files whose bit is set in a bitmap.

        Args:
            job: name of the job.
            name: of the bitmap: an outcome, `kind:<kind>` or `reopened`.
        """
        return bits_of(self.bitmap(job, name))

    def bitmap(self, job: str, name: str) -> bytes:
        """A bitmap as stored: one bit per file index, most significant bit first; see indexes."""
        raw: str = reached(self._redis.eval, HEX, 1, self._keys.job(job, name))
        return bytes.fromhex(raw)

    def among(self, job: str, name: str, indexes: Sequence[int]) -> list[int]:
        """Those of the given indexes that are set in a bitmap; see indexes."""
        with self._redis.pipeline() as pipe:
            for index in indexes:
                pipe.getbit(self._keys.job(job, name), index)
            bits = reached(pipe.execute)
        return [index for index, bit in zip(indexes, bits, strict=True) if bit]

    def workers(self) -> list[WorkerSeen]:
        """The last report of every worker child, the latest first."""
        stored = reached(self._redis.hvals, self._keys.workers)
        return sorted(filter(None, map(read_worker, stored)), key=lambda one: -one.at)

    def backlog(self, queue: str) -> tuple[int, int]:
        """(ready, unacknowledged) messages in all lanes of the queue."""
        with self._redis.pipeline() as pipe:
            for name in (name for lane in lanes(queue) for name in broker_lists(lane)):
                pipe.llen(self._prefix + name)
            ready = sum(reached(pipe.execute))
        return ready, unacked_by_queue(self._redis, self._prefix).get(queue, 0)

    def ready(self, lane: str) -> int:
        """Number of ready messages in one lane."""
        with self._redis.pipeline() as pipe:
            for name in broker_lists(lane):
                pipe.llen(self._prefix + name)
            return sum(reached(pipe.execute))

    def check(self) -> None:
        """Check that Redis answers."""
        reached(self._redis.ping)
