"""What ready workers say of themselves in Redis, so that producers can plan by it."""

import contextlib
import json
from typing import Any

from pydantic import ValidationError

from contract.abilities import Abilities
from contract.ledger import reached

SEEN_WITHIN_S = 120.0
"""Who has said nothing for so long serves its queue no more."""

_REMEMBERED_S = 7 * 24 * 3600.0
"""A fleet that was scaled to nothing over a holiday is still known by its queues."""


class FleetState:
    """The models that workers have loaded, by their configured names, and the queues they serve.

    Every method raises BrokerUnavailable when Redis cannot be reached. Of a model that serves
    several queues each may hold another revision, or can do more: beside FLEET_SPK_MODEL, say.
    """

    def __init__(self, client: Any, key_prefix: str = "") -> None:
        self._redis = client
        self._revisions = f"{key_prefix}fleet:models"
        self._abilities = f"{key_prefix}fleet:abilities"
        self._serving = f"{key_prefix}fleet:serving"

    def announce(
        self, model: str, revision: str, abilities: Abilities | None = None, queue: str = ""
    ) -> None:
        """Say which revision of a model is at work now, and what it can do.

        Args:
            model: its configured name.
            revision: sha256 over the files of all models loaded.
            abilities: of all models loaded; None leaves what was said before.
            queue: where they are at work.
        """
        names = (model, _pair(queue, model)) if queue else (model,)
        told = None if abilities is None else abilities.model_dump_json()
        with self._redis.pipeline() as pipe:
            for name in names:
                pipe.hset(self._revisions, name, revision)
                if told:
                    pipe.hset(self._abilities, name, told)
            reached(pipe.execute)

    def revision_of(self, model: str, queue: str = "") -> str | None:
        """The revision last seen at work; None when no worker has ever loaded the model."""
        return self._last_said(self._revisions, model, queue)

    def abilities_of(self, model: str, queue: str = "") -> Abilities | None:
        """What the model last could do; None when nobody has said it, or not so that we know."""
        told = self._last_said(self._abilities, model, queue)
        with contextlib.suppress(ValidationError):  # of a release to come
            return Abilities.model_validate_json(told) if told else None
        return None

    def _last_said(self, key: str, model: str, queue: str) -> str | None:
        """Of the model in that queue; else in any."""
        names = (_pair(queue, model), model)
        found: list[str | None] = reached(self._redis.hmget, key, names)
        return next(filter(None, found), None)

    def serve(self, queue: str, model: str, now: float) -> None:
        """Say that a queue is served by a model now; to be said again within SEEN_WITHIN_S.

        Args:
            queue: without its lanes.
            model: its configured name.
            now: in seconds since the epoch, as everywhere here; clocks must agree to some seconds.
        """
        reached(self._redis.zadd, self._serving, {_pair(queue, model): now})
        if old := self._members(float("-inf"), now - _REMEMBERED_S):
            reached(self._redis.zrem, self._serving, *old)

    def serving(self, now: float) -> list[tuple[str, str]]:
        """(queue, model) of the workers that were seen within two minutes, in order of name."""
        return sorted(self._seen(now - SEEN_WITHIN_S, float("inf")))

    def remembered(self, now: float) -> list[tuple[str, str]]:
        """The same of a week."""
        return sorted(self._seen(now - _REMEMBERED_S, float("inf")))

    def queues(self, now: float) -> set[str]:
        """Queues that were served within a week."""
        return {queue for queue, _ in self.remembered(now)}

    def _seen(self, since: float, until: float) -> list[tuple[str, str]]:
        """What has another form is of a release to come, or of somebody else."""
        return [pair for pair in map(_read_pair, self._members(since, until)) if pair]

    def _members(self, since: float, until: float) -> list[str]:
        found: list[str] = reached(self._redis.zrevrangebyscore, self._serving, until, since)
        return found


def _pair(queue: str, model: str) -> str:
    return json.dumps([queue, model])


def _read_pair(member: str) -> tuple[str, str] | None:
    with contextlib.suppress(ValueError):
        match json.loads(member):
            case [str(queue), str(model)]:
                return queue, model
    return None
