"""Messages put aside for good, each with its reason, so that somebody can look at them."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from contract.ledger import reached


class DeadLetter(BaseModel):
    """One message that no worker will take again by itself."""

    model_config = ConfigDict(frozen=True)

    message_id: str
    """The broker's identity of the message."""
    reason: str
    """What was wrong with it."""
    document: Any
    """The message as it came."""
    worker: str
    at: str
    """UTC, ISO 8601."""


class DeadLetters:
    """The fleet's dead letters, a hash in Redis keyed by message."""

    def __init__(self, client: Any, key_prefix: str = "") -> None:
        self._redis = client
        self._key = f"{key_prefix}fleet:dead"

    def put(self, letter: DeadLetter) -> None:
        """Keep a message; the same one again replaces itself."""
        reached(self._redis.hset, self._key, letter.message_id, letter.model_dump_json())

    def all(self) -> list[DeadLetter]:
        """Every dead letter."""
        values = reached(self._redis.hvals, self._key)
        return [DeadLetter.model_validate(json.loads(value)) for value in values]
