"""What workers write into the ledger."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import redis

from contract.ledger import scripts
from contract.ledger.connection import reached
from contract.ledger.keys import Keys
from contract.ledger.values import FileDetail, WorkerSeen, latency_bucket
from contract.transcript import Outcome

_LOOK_EVERY_S = 1.0
"""How long an answer about a cancelled job is good for."""

_MESSAGE_CHARS = 300

_FORGET_WORKERS_S = 7 * 86_400
"""A worker that said nothing for so long is gone: in a cluster every pod has another name."""

_SWEEP_EVERY_S = 3600


class Recorder:
    """Every method may be called twice, and raises BrokerUnavailable when Redis is away."""

    def __init__(
        self,
        client: redis.Redis,
        key_prefix: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis: Any = client
        self._keys = Keys(key_prefix)
        self._record: Any = client.register_script(scripts.RECORD)
        self._settle: Any = client.register_script(scripts.SETTLE)
        self._suspend: Any = client.register_script(scripts.SUSPEND)
        self._clock = clock
        self._looked: dict[str, tuple[float, bool]] = {}

    def record(
        self,
        job: str,
        index: int,
        outcome: Outcome,
        audio_ms: int,
        *,
        only_first: bool = False,
        detail: FileDetail | None = None,
    ) -> None:
        """Set a file's outcome; doing so again changes no sum.

        Args:
            job: whose file it is.
            index: the file's position in the job.
            outcome: how the file ended; skipped never replaces the work that made the result.
            audio_ms: audio transcribed.
            only_first: leave any outcome that the file has already, unless it failed.
            detail: what else is known of it.
        """
        said = detail or FileDetail()
        weak = only_first or outcome in {"skipped", "cancelled"}
        bucket = "" if said.seconds is None else latency_bucket(said.seconds)
        example = json.dumps({"relative": said.relative, "message": said.message[:_MESSAGE_CHARS]})
        values = [index, outcome, audio_ms, int(weak), said.shard, bucket, said.kind or "", example]
        reached(self._record, keys=[self._keys.job(job)], args=values)

    def cancel_files(self, job: str, indexes: Iterable[int]) -> None:
        """Files of a cancelled job that nobody begins any more."""
        reached(self._settle, keys=[self._keys.job(job)], args=["cancelled", *indexes])

    def is_cancelled(self, job: str, *, now: bool = False) -> bool:
        """Whether somebody cancelled the job; a second old at most.

        Args:
            job: its name.
            now: ask anew. Whoever does so after begin_shard begins nothing of a job that was
                seen to have nothing in flight after it was cancelled.
        """
        looked_at, answer = self._looked.get(job, (float("-inf"), False))
        if now or self._clock() - looked_at >= _LOOK_EVERY_S:
            answer = bool(reached(self._redis.hexists, self._keys.job(job), "cancelled_at"))
            self._looked = {job: (self._clock(), answer)}
        return answer

    def begin_shard(self, job: str, shard: str, files: int) -> None:
        """So many files are in flight."""
        reached(self._redis.hset, self._keys.job(job, "shards"), shard, files)

    def await_shards(self, job: str, shards: Iterable[str]) -> None:
        """Keep the job open until these shards, whose messages are in the queue, have ended.

        A shard that is being worked on keeps its count of files in flight.
        """
        with self._redis.pipeline() as pipe:
            for shard in shards:
                pipe.hsetnx(self._keys.job(job, "shards"), shard, 0)
            reached(pipe.execute)

    def suspend_shard(self, job: str, shard: str) -> None:
        """No file of the shard is in flight; unless it has ended elsewhere, its job stays open."""
        reached(self._suspend, keys=[self._keys.job(job, "shards")], args=[shard])

    def end_shard(self, job: str, shard: str, work_ms: int) -> None:
        """The shard has ended: none of its files is in flight, and its work took so much time."""
        with self._redis.pipeline() as pipe:
            pipe.hdel(self._keys.job(job, "shards"), shard)
            pipe.hincrby(self._keys.job(job), "work_ms", work_ms)
            reached(pipe.execute)

    def see(self, worker: WorkerSeen) -> None:
        """Take down what a worker child says of itself; now and then, forget those long gone."""
        said = json.dumps(asdict(worker))
        swept = f"{self._keys.workers}:swept"
        with self._redis.pipeline() as pipe:
            pipe.hset(self._keys.workers, f"{worker.worker}/{worker.slot}", said)
            pipe.set(swept, 1, nx=True, ex=_SWEEP_EVERY_S)  # only one child of the fleet succeeds
            _, is_due = reached(pipe.execute)
        if is_due:
            self._forget_workers(before=worker.at - _FORGET_WORKERS_S)

    def _forget_workers(self, before: float) -> None:
        every = reached(self._redis.hgetall, self._keys.workers)
        if gone := [name for name, said in every.items() if json.loads(said)["at"] < before]:
            reached(self._redis.hdel, self._keys.workers, *gone)
