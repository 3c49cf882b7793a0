"""Messages put aside for good, each with its reason, so that somebody can look at them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from contract.audio_address import shown
from contract.ledger import reached

PAGE = 100
"""Letters that are read with one round trip, about: a document may have some hundred kB."""


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
    queue: str = ""
    """The lane that it came by; empty when that is not known to be one of the fleet's."""
    device: str = ""
    """Where it was worked on; empty when it did not come so far."""

    @property
    def job(self) -> str | None:
        """The job that the document names, if it does."""
        job = self._said("job")
        return job if isinstance(job, str) else None

    @property
    def files(self) -> list[str]:
        """Addresses of the audio that the document names; none where it is no shard."""
        files = self._said("files")
        rows = files if isinstance(files, list) else []
        return [
            shown(str(row["audio"])) for row in rows if isinstance(row, dict) and "audio" in row
        ]

    def _said(self, name: str) -> Any:
        return self.document.get(name) if isinstance(self.document, dict) else None


class DeadLetters:
    """The fleet's dead letters, a hash in Redis keyed by message.

    Every method raises BrokerUnavailable when Redis cannot be reached.
    """

    def __init__(self, client: Any, key_prefix: str = "") -> None:
        self._redis = client
        self._key = f"{key_prefix}fleet:dead"
        self._remove: Any = client.register_script(_REMOVE)

    def put(self, letter: DeadLetter) -> None:
        """Keep a message; the same one again replaces itself."""
        # pydantic's own JSON refuses half characters, as a malformed message may hold
        body = json.dumps(letter.model_dump())
        reached(self._redis.hset, self._key, letter.message_id, body)

    def all(self) -> list[DeadLetter]:
        """Every dead letter: where there may be many of them, take pages."""
        return [_read(value) for value in reached(self._redis.hvals, self._key)]

    def count(self) -> int:
        """How many there are."""
        return int(reached(self._redis.hlen, self._key))

    def pages(self) -> Iterator[list[DeadLetter]]:
        """Every dead letter, some at a time, in no order.

        One that was there all the time is in a page at least, seldom in two.
        """
        cursor = 0
        while True:
            cursor, found = reached(self._redis.hscan, self._key, cursor, count=PAGE)
            yield [_read(value) for value in found.values()]
            if not int(cursor):
                return

    def take(self, ids: Sequence[str]) -> list[DeadLetter]:
        """Those of these that there are."""
        return [_read(value) for value in self._values(ids) if value is not None]

    def drop(self, ids: Sequence[str]) -> int:
        """Forget these; how many there were."""
        return int(reached(self._redis.hdel, self._key, *ids)) if ids else 0

    def remove(self, letters: Iterable[DeadLetter]) -> None:
        """Forget letters that were dealt with; one that was put aside anew since it was read stays.

        Its message may have been to a worker and back by now.
        """
        by_id = {one.message_id: one for one in letters}
        stored = zip(by_id, self._values(list(by_id)), strict=True)
        same = [(one, value) for one, value in stored if value and _read(value) == by_id[one]]
        if same:
            arguments = [part for pair in same for part in pair]
            reached(self._remove, keys=[self._key], args=arguments)

    def _values(self, ids: Sequence[str]) -> list[str | None]:
        found: list[str | None] = reached(self._redis.hmget, self._key, ids) if ids else []
        return found


_REMOVE = """
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
"""
"""Forget messages, each only while this value is kept of it: id, value."""


def _read(value: str) -> DeadLetter:
    return DeadLetter.model_validate(json.loads(value))
