"""What Redis says now."""

import json
import time
from collections.abc import Iterable
from typing import Any

import redis

from contract.dead_letters import DeadLetters
from contract.fleet_state import FleetState
from contract.ledger import Ledger, connect, reached
from contract.ledger.values import WorkerSeen
from contract.queues import ENQUEUED_AT_HEADER, BrokerUnavailable, broker_lists, lanes, queue_of
from contract.settings import Settings
from exporter.values import BrokerReading, JobReading, QueueReading, Snapshot
from producer.progress.measuring import measure

_SHOWN_AFTER_END_S = 3600.0
"""A job that ended keeps its series for so long, that its end is seen."""

_ANSWER_WITHIN_S = 3.0
"""Prometheus waits for a page for 10 s; to be told that Redis hangs, it must get one."""


class Fleet:
    """Reads; every method raises BrokerUnavailable when Redis cannot be reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis: Any = connect(settings, answer_within_s=_ANSWER_WITHIN_S)
        self._ledger = Ledger(self._redis, settings.key_prefix)
        self._fleet = FleetState(self._redis, settings.key_prefix)
        self._letters = DeadLetters(self._redis, settings.key_prefix)

    def look(self) -> Snapshot:
        """Now."""
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
            dead_letters=self._letters.count(),
            broker=self._broker(),
        )

    def workers(self) -> list[WorkerSeen]:
        """What every worker child last said of itself."""
        return self._ledger.workers()

    def _queues(self, lanes_in_use: Iterable[str], now: float) -> Iterable[QueueReading]:
        """The queue of the settings, those of the jobs, and those that workers serve or did.

        So a queue whose workers have all gone has numbers still, by which they are called back.
        """
        busy = {self._settings.queue, *(queue_of(lane) for lane in lanes_in_use if lane)}
        busy |= {queue for queue, _ in self._fleet.serving(now)}
        unacked = self._unacked(busy)
        for name in sorted(busy | self._fleet.queues(now)):
            lists = [
                self._settings.key_prefix + one
                for lane in lanes(name)
                for one in broker_lists(lane)
            ]
            with self._redis.pipeline() as pipe:
                for key in lists:
                    pipe.llen(key)
                    pipe.lindex(key, -1)  # the next to be taken: what was given back, or the oldest
                answers = reached(pipe.execute)
            ages = [
                age for text in answers[1::2] if text and (age := _age_s(text, now)) is not None
            ]
            yield QueueReading(
                queue=name,
                ready=sum(answers[::2]),
                unacked=unacked.get(name, 0),
                oldest_s=max(ages, default=0.0),
            )

    def _unacked(self, names: set[str]) -> dict[str, int]:
        """Messages that workers hold, by queue; of a single queue they need not be looked at."""
        key = self._settings.key_prefix + "unacked"
        if len(names) == 1:
            return dict.fromkeys(names, int(reached(self._redis.hlen, key)))
        found: dict[str, int] = {}
        for lane, count in zip(
            *[iter(reached(self._redis.eval, _BY_LANE, 1, key))] * 2, strict=True
        ):
            found[queue_of(lane)] = found.get(queue_of(lane), 0) + int(count)
        return found

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


_BY_LANE = """
local counts = {}
for _, held in ipairs(redis.call('HVALS', KEYS[1])) do
  local lane = string.match(string.sub(held, -300), '"([^"]*)"%s*%]$')
  if lane then counts[lane] = (counts[lane] or 0) + 1 end
end
local flat = {}
for lane, count in pairs(counts) do
  flat[#flat + 1] = lane
  flat[#flat + 1] = tostring(count)
end
return flat
"""
"""kombu keeps [message, exchange, routing key] of each; only the end is looked at."""


def _age_s(envelope: str, now: float) -> float | None:
    """Since a message was sent, as its header has it."""
    try:
        return max(0.0, now - float(json.loads(envelope)["headers"][ENQUEUED_AT_HEADER]))
    except (ValueError, KeyError, TypeError):
        return None  # another client, which says nothing or something else
