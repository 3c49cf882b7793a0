"""Reads the current state of the fleet from Redis."""

import re
import time
from collections.abc import Iterable

import redis

from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.ledger import LedgerReader, connect, reached
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.broker.unacked import unacked_by_queue
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.queues import (
    ENQUEUED_AT_HEADER,
    BrokerUnavailable,
    broker_lists,
    lanes,
    queue_of,
)
from funasr_fleet.exporter.metrics import BrokerReading, JobReading, QueueReading, Snapshot
from funasr_fleet.producer.progress.measuring import measure
from funasr_fleet.settings import Settings

_SHOWN_AFTER_END_S = 3600.0
"""An ended job keeps its series for this time, so that its final state is scraped."""

_ANSWER_WITHIN_S = 3.0
"""Timeout for Redis, below the 10 s of a Prometheus scrape, so that asr_broker_up 0 is served."""

_TAIL_BYTES = 64 << 10
"""Length of the end of a message that is read. Its headers follow the body, which may be large."""
_TAIL = """
local element = redis.call('LINDEX', KEYS[1], -1)
return element and string.sub(element, -tonumber(ARGV[1]))
"""
_ENQUEUED_AT = re.compile(
    rf'(?<!\\)"{ENQUEUED_AT_HEADER}": ?([0-9]{{1,12}}(?:\.[0-9]{{1,20}})?)[,}}]'
)


class FleetCollector:
    """Collects snapshots. Every method raises BrokerUnavailable when Redis cannot be reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = connect(settings, answer_within_s=_ANSWER_WITHIN_S)
        self._ledger = LedgerReader(self._redis, settings.key_prefix)
        self._fleet = WorkerRegistry(self._redis, settings.key_prefix)
        self._dead_letters = DeadLetters(self._redis, settings.key_prefix)

    def collect(self) -> Snapshot:
        """The current state of queues, jobs, dead letters and Redis."""
        now = time.time()
        workers = self._ledger.workers()
        names = self._ledger.open_since(now - _SHOWN_AFTER_END_S)
        jobs = tuple(
            JobReading(counts=counts, progress=measure(counts, minutes, workers, now))
            for counts, minutes in self._ledger.counts_and_minutes(names)
        )
        return Snapshot(
            queues=tuple(self._queues((one.counts.queue for one in jobs), now)),
            jobs=jobs,
            dead_letters=self._dead_letters.count(),
            broker=self._broker(),
        )

    def workers(self) -> list[WorkerSeen]:
        """The last report of every worker child."""
        return self._ledger.workers()

    def _queues(self, lanes_in_use: Iterable[str], now: float) -> Iterable[QueueReading]:
        """The configured queue, those of the jobs, and those that workers consumed within 7 days.

        A queue without workers thus keeps its metrics, so that workers can be scaled up from 0.
        """
        busy = {self._settings.queue, *(queue_of(lane) for lane in lanes_in_use if lane)}
        served = {queue for queue, _ in self._fleet.active(now)}
        unacked = unacked_by_queue(self._redis, self._settings.key_prefix)
        for name in sorted(busy | served | self._fleet.queues(now)):
            lists = [
                self._settings.key_prefix + one
                for lane in lanes(name)
                for one in broker_lists(lane)
            ]
            with self._redis.pipeline() as pipe:
                for key in lists:
                    pipe.llen(key)
                    # of the next message: a requeued one, or the oldest
                    pipe.eval(_TAIL, 1, key, _TAIL_BYTES)
                answers = reached(pipe.execute)
            ages = [
                age for text in answers[1::2] if text and (age := _age_s(text, now)) is not None
            ]
            yield QueueReading(
                queue=name,
                ready=sum(answers[::2]),
                unacked=unacked.get(name, 0),
                oldest_s=max(ages, default=0.0),
                is_served=name in served,
            )

    def _broker(self) -> BrokerReading | None:
        try:
            memory, clients = self._redis.info("memory"), self._redis.info("clients")
        except redis.exceptions.NoPermissionError:
            return None
        except redis.RedisError as error:
            raise BrokerUnavailable(f"Redis refused a command: {error}") from None
        return BrokerReading(
            used_bytes=int(memory["used_memory"]),
            limit_bytes=int(memory.get("maxmemory", 0)),
            clients=int(clients["connected_clients"]),
        )


def _age_s(tail: str, now: float) -> float | None:
    """Seconds since a message was published, by its header; None without a valid header.

    `tail` is its end. It is not parsed: parsed JSON may take twenty times as much memory.
    """
    times = _ENQUEUED_AT.findall(tail)
    return max(0.0, now - float(times[-1])) if times else None
