"""OutcomeWriter: the ledger updates of workers."""

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict

from funasr_fleet.broker.ledger import outcome_scripts as scripts
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.latency import latency_bucket
from funasr_fleet.broker.ledger.values import KEEP_S, FileDetail
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen, read_worker
from funasr_fleet.broker.redis_client import RedisClient, Value, reached
from funasr_fleet.contract.transcript import Outcome, PostponeReason

log = logging.getLogger(__name__)

_CANCELLED_TTL_S = 1.0
"""How long is_cancelled caches its answer."""

_MESSAGE_CHARS = 300

_FORGET_WORKERS_S = 7 * 86_400
"""Worker entries are removed after this time: in a cluster every new pod has another name."""

_SWEEP_EVERY_S = 3600


class OutcomeWriter:
    """Records outcomes, shards in progress and worker reports.

    Every method raises BrokerUnavailable when Redis cannot be reached. Recording an outcome twice
    does not change the totals. Updates with an `output` are ignored if the job has a plan with
    another output.
    """

    def __init__(
        self,
        client: RedisClient,
        key_prefix: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = client
        self._keys = Keys(key_prefix)
        self._begin_shard = client.register_script(scripts.BEGIN_SHARD)
        self._record = client.register_script(scripts.RECORD)
        self._add_work = client.register_script(scripts.ADD_WORK)
        self._await = client.register_script(scripts.AWAIT)
        self._settle = client.register_script(scripts.SETTLE)
        self._suspend = client.register_script(scripts.SUSPEND)
        self._clock = clock
        self._cancelled: dict[str, tuple[float, bool]] = {}

    def record(
        self,
        job: str,
        index: int,
        outcome: Outcome,
        audio_ms: int,
        *,
        only_first: bool = False,
        detail: FileDetail | None = None,
    ) -> str | None:
        """Set a file's outcome. Repeating the call does not change the totals.

        If Redis has lost the job and `detail` has an output prefix, the job is listed again.

        Returns the output prefix of the job if S3 may have an outdated _SUCCESS marker of it:
        delete the marker, then call marker_deleted. Returns None otherwise.

        Args:
            job: the job of the file.
            index: the file's position in the job.
            outcome: the file's outcome; skipped and cancelled never replace ok or empty. In a job
                without a plan, no outcome replaces the failure of a file with another name.
            audio_ms: audio transcribed.
            only_first: replace an existing outcome only if it is failed, skipped or cancelled.
            detail: further details of the file.
        """
        more = detail or FileDetail()
        weak = only_first or outcome in {"skipped", "cancelled"}
        bucket = "" if more.seconds is None else latency_bucket(more.seconds)
        example = json.dumps({"relative": more.relative, "message": more.message[:_MESSAGE_CHARS]})
        kind = more.kind or ""
        values: list[Value] = [index, outcome, audio_ms, int(weak)]
        values += [more.shard, bucket, kind, example]
        values += [job, more.output, time.time(), KEEP_S, more.name, *more.warnings]
        keys = [self._keys.job(job), self._keys.jobs]
        marker, is_counted = reached(self._record, keys=keys, args=values)
        if not is_counted:
            log.warning("shard %r: index %d of job %s is not counted", more.shard, index, job)
        return str(marker) or None

    def marker_deleted(self, job: str) -> None:
        """Record that S3 has no _SUCCESS marker of the job."""
        reached(self._redis.hdel, self._keys.job(job), "marker_outdated")

    def cancel_files(self, job: str, indexes: Iterable[int], *, output: str = "") -> None:
        """Record files of a cancelled job that will not be started."""
        reached(self._settle, keys=[self._keys.job(job)], args=["cancelled", output, *indexes])

    def is_cancelled(self, job: str, *, now: bool = False) -> bool:
        """Whether the job is cancelled; the answer is cached for up to one second.

        `now` bypasses the cache. Set it after begin_shard: a cancelled job with no file in flight
        may already have been closed, and a cached answer would let this worker start a file.
        """
        asked_at, answer = self._cancelled.get(job, (float("-inf"), False))
        if now or self._clock() - asked_at >= _CANCELLED_TTL_S:
            answer = reached(self._redis.hexists, self._keys.job(job), "cancelled_at")
            self._cancelled = {job: (self._clock(), answer)}
        return answer

    def begin_shard(
        self,
        job: str,
        shard: str,
        files: int,
        *,
        output: str,
        job_files: int | None = None,
        has_indexes: bool = True,
    ) -> str | None:
        """Record that a worker starts a shard: its files are in flight.

        Returns the output prefix of the job if S3 may have an outdated _SUCCESS marker of it:
        delete the marker, then call marker_deleted. Returns None otherwise.

        Args:
            job: the job of the shard.
            shard: name of the shard.
            files: number of its files.
            output: prefix of its outputs; stored if no producer opened the job.
            job_files: number of files of the whole job, as its client declares it; ignored if a
                producer opened the job.
            has_indexes: whether each of its files has an index.
        """
        declared = "" if job_files is None else job_files
        values: list[Value] = [shard, files, job, output, declared, time.time(), KEEP_S]
        values.append("" if has_indexes else "1")
        keys = [self._keys.job(job), self._keys.jobs]
        return _text(reached(self._begin_shard, keys=keys, args=values))

    def await_shards(self, job: str, shards: Iterable[str], *, output: str = "") -> None:
        """Keep the job open until these shards, whose messages are in the queue, have ended.

        A shard that is being worked on keeps its count of files in flight.
        """
        reached(self._await, keys=[self._keys.job(job)], args=[output, *shards])

    def suspend_shard(
        self,
        job: str,
        shard: str,
        reason: PostponeReason | None = None,
        message: str = "",
        *,
        output: str = "",
    ) -> None:
        """Record that no file of the shard is in flight.

        The job stays open for the shard, unless the shard has ended elsewhere.

        Args:
            job: the job of the shard.
            shard: its name.
            reason: why the shard is postponed; None if it is not.
            message: the error that postponed it.
            output: prefix of its outputs.
        """
        arguments = [shard, reason or "", message[:_MESSAGE_CHARS], output]
        reached(self._suspend, keys=[self._keys.job(job)], args=arguments)

    def end_shard(self, job: str, shard: str, work_ms: int, *, output: str = "") -> None:
        """Record that the shard has ended, and add the time spent on it since add_work()."""
        reached(self._add_work, keys=[self._keys.job(job)], args=[work_ms, output, shard])

    def add_work(self, job: str, work_ms: int, *, output: str = "") -> None:
        """Add time spent on a shard of the job, unless Redis has lost the job."""
        reached(self._add_work, keys=[self._keys.job(job)], args=[work_ms, output])

    def see(self, worker: WorkerSeen) -> None:
        """Store a worker child's report; once an hour, remove entries older than 7 days."""
        document = json.dumps(asdict(worker))
        swept = f"{self._keys.workers}:swept"
        with self._redis.pipeline() as pipe:
            pipe.hset(self._keys.workers, f"{worker.worker}/{worker.slot}", document)
            pipe.set(swept, 1, nx=True, ex=_SWEEP_EVERY_S)  # only one child of the fleet succeeds
            _, is_due = reached(pipe.execute)
        if is_due:
            self._forget_workers(before=worker.at - _FORGET_WORKERS_S)

    def _forget_workers(self, before: float) -> None:
        every = reached(self._redis.hgetall, self._keys.workers)
        seen = {name: read_worker(last) for name, last in every.items()}
        if gone := [name for name, last in seen.items() if last is None or last.at < before]:
            reached(self._redis.hdel, self._keys.workers, *gone)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
