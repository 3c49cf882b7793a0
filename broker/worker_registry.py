"""Registry of ready workers in Redis: their models, revisions, abilities and queues."""

import contextlib
import json

from pydantic import ValidationError

from funasr_fleet.broker.redis_client import RedisClient, reached
from funasr_fleet.contract.abilities import Abilities

SEEN_WITHIN_S = 120.0
"""Workers without a heartbeat for this long count as offline."""

_REMEMBERED_S = 7 * 24 * 3600.0
"""Entries are removed after this time, so queues survive a fleet scaled to 0 over a holiday."""


class WorkerRegistry:
    """The models that workers have loaded, by their configured names, and the queues they serve.

    Every method raises BrokerUnavailable when Redis cannot be reached. A model that serves several
    queues may have another revision or other abilities in each, for example with FLEET_SPK_MODEL.
    """

    def __init__(self, client: RedisClient, key_prefix: str = "") -> None:
        self._redis = client
        self._revisions = f"{key_prefix}fleet:models"
        self._abilities = f"{key_prefix}fleet:abilities"
        self._serving = f"{key_prefix}fleet:serving"

    def register_model(
        self,
        model: str,
        revision: str,
        abilities: Abilities | None = None,
        queue: str = "",
        *,
        only_missing: bool = False,
    ) -> None:
        """Record the loaded revision of a model, and its abilities.

        Args:
            model: its configured name.
            revision: sha256 over the files of all models loaded.
            abilities: of all models loaded together; None keeps those recorded before.
            queue: the queue that the worker consumes.
            only_missing: keep what is recorded, and restore only what Redis has lost.
        """
        names = (model, _pair(queue, model)) if queue else (model,)
        document = None if abilities is None else abilities.model_dump_json()
        with self._redis.pipeline() as pipe:
            put = pipe.hsetnx if only_missing else pipe.hset
            for name in names:
                put(self._revisions, name, revision)
                if document:
                    put(self._abilities, name, document)
            reached(pipe.execute)

    def revision_of(self, model: str, queue: str = "") -> str | None:
        """The revision loaded last; None when no worker has ever loaded the model."""
        return self._read(self._revisions, model, queue)

    def abilities_of(self, model: str, queue: str = "") -> Abilities | None:
        """The model's abilities recorded last; None without any, or if they are malformed."""
        document = self._read(self._abilities, model, queue)
        with contextlib.suppress(ValidationError):  # written by a later release
            return Abilities.model_validate_json(document) if document else None
        return None

    def _read(self, key: str, model: str, queue: str) -> str | None:
        """The value for the model in that queue, or else in any queue."""
        names = (_pair(queue, model), model)
        return next(filter(None, reached(self._redis.hmget, key, names)), None)

    def heartbeat(self, queue: str, model: str, now: float) -> None:
        """Record that a worker with this model consumes the queue; repeat within SEEN_WITHIN_S.

        Args:
            queue: its name without a lane.
            model: its configured name.
            now: in seconds since the epoch, as in all methods; clocks must agree to a few seconds.
        """
        reached(self._redis.zadd, self._serving, {_pair(queue, model): now})
        if old := self._members(float("-inf"), now - _REMEMBERED_S):
            reached(self._redis.zrem, self._serving, *old)

    def active(self, now: float) -> list[tuple[str, str]]:
        """(queue, model) of the workers seen within SEEN_WITHIN_S, sorted."""
        return sorted(self._seen(now - SEEN_WITHIN_S, float("inf")))

    def recent(self, now: float) -> list[tuple[str, str]]:
        """(queue, model) of the workers seen within 7 days, sorted."""
        return sorted(self._seen(now - _REMEMBERED_S, float("inf")))

    def queues(self, now: float) -> set[str]:
        """Queues that workers consumed within 7 days."""
        return {queue for queue, _ in self.recent(now)}

    def _seen(self, since: float, until: float) -> list[tuple[str, str]]:
        """Entries renewed in this period; skips those of a later release or another program."""
        return [pair for pair in map(_read_pair, self._members(since, until)) if pair]

    def _members(self, since: float, until: float) -> list[str]:
        return reached(self._redis.zrevrangebyscore, self._serving, until, since)


def _pair(queue: str, model: str) -> str:
    return json.dumps([queue, model])


def _read_pair(member: str) -> tuple[str, str] | None:
    with contextlib.suppress(ValueError):
        match json.loads(member):
            case [str(queue), str(model)]:
                return queue, model
    return None
