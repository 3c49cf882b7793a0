"""Dead letters: messages that failed permanently, each kept with its reason for inspection."""

import base64
import hashlib
import json
import re
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from funasr_fleet.broker.ledger.stored_fields import is_job_name
from funasr_fleet.broker.message_size import decompress
from funasr_fleet.broker.redis_client import RedisClient, reached
from funasr_fleet.contract.audio_address import shown

PAGE = 100
"""Approximate number of dead letters per round trip; a document may have a few hundred kB."""

_LARGE_CHARS = 100_000
_ZLIB = "zlib"
_MOST_BYTES = 256 << 20
"""Limit for a dead letter after decompression. A message has at most 32 MiB, of which JSON may make
six times as much."""

UNREADABLE_KEPT = 10_000
"""Maximum number of dead letters that are not shards."""
_UNREADABLE_CHARS = 4000
"""Length of such a document in JSON; of a longer one, only the beginning is kept."""

_SHARD_NAME = re.compile(r"(.+)-(?:\d{5}-\d{4,}|again-[0-9a-f]{8}-\d{6})(?:\.\d+)?")
"""Matches the message IDs that `fleet enqueue`, `retry` and `reconcile` assign; workers append the
position of a file when they split a shard. Group 1 is the job. If the body of a message cannot be
read, only its ID names the job."""


class DeadLetter(BaseModel):
    """One message that is not delivered again unless it is requeued."""

    model_config = ConfigDict(frozen=True)

    message_id: str
    """The broker's id of the message."""
    reason: str
    """Why it failed."""
    document: Any
    """The message as received."""
    worker: str
    at: str
    """UTC, ISO 8601."""
    queue: str = ""
    """The lane that delivered it; empty if it is unknown or not a lane of this fleet."""
    device: str = ""
    """The device that processed it; empty when it was not processed."""

    @property
    def job(self) -> str | None:
        """The job named in the document, or else in the message ID; None if neither names a job."""
        job = self._field("job")
        if job is None and (named := _SHARD_NAME.fullmatch(self.message_id)):
            job = named[1]
        return job if isinstance(job, str) and is_job_name(job) else None

    @property
    def is_shard(self) -> bool:
        """Whether the document is a shard, valid or not, so that it may be requeued."""
        return isinstance(self._field("files"), list)

    @property
    def files(self) -> list[str]:
        """Addresses of the audio in the document; empty when it is not a shard."""
        files = self._field("files")
        rows = files if isinstance(files, list) else []
        return [
            shown(str(row["audio"])) for row in rows if isinstance(row, dict) and "audio" in row
        ]

    def _field(self, name: str) -> Any:
        return self.document.get(name) if isinstance(self.document, dict) else None


class DeadLetters:
    """The fleet's dead letters, a hash in Redis with the message ID as the key.

    A second hash maps message IDs to jobs, so that the dead letters of a job can be counted without
    reading their documents; a third maps them to a digest of output and shard name. The newest
    UNREADABLE_KEPT dead letters that are not shards are kept: they cannot be requeued, and anyone
    who may send messages can make them. Those that earlier releases stored stay until they are
    dropped.

    Every method raises BrokerUnavailable when Redis cannot be reached.
    """

    def __init__(self, client: RedisClient, key_prefix: str = "") -> None:
        self._redis = client
        self._key = f"{key_prefix}fleet:dead"
        self._jobs = f"{key_prefix}fleet:dead:jobs"
        self._unreadable = f"{key_prefix}fleet:dead:unreadable"
        self._identities = f"{key_prefix}fleet:dead:identities"
        self._remove = client.register_script(_REMOVE)

    def put(self, letter: DeadLetter) -> None:
        """Store a dead letter; an earlier one with the same message ID is replaced.

        One of another shard is kept: the new ID gets a suffix, always the same for its shard.
        """
        if not letter.is_shard:
            letter = _shortened(letter)
        identity, message_id = _identity(letter), letter.message_id
        while self._identity_at(message_id) not in {"", identity}:
            message_id += f".{identity[:8]}"
        letter = letter.model_copy(update={"message_id": message_id})
        body = _packed(letter)
        with self._redis.pipeline() as pipe:
            if letter.job is not None:
                pipe.hset(self._jobs, letter.message_id, letter.job)
            else:
                pipe.hdel(self._jobs, letter.message_id)
            pipe.hset(self._identities, letter.message_id, identity if letter.is_shard else "")
            pipe.hset(self._key, letter.message_id, body)
            if letter.is_shard:
                pipe.zrem(self._unreadable, letter.message_id)
            else:
                pipe.zadd(self._unreadable, {letter.message_id: time.time()})
            pipe.zrange(self._unreadable, 0, -UNREADABLE_KEPT - 1)
            *_, excess = reached(pipe.execute)
        self.drop(excess)

    def exists(self, message_id: str) -> bool:
        """Whether there is a dead letter with this id."""
        return bool(reached(self._redis.hexists, self._key, message_id))

    def all(self) -> list[DeadLetter]:
        """Every dead letter; use pages() where there may be many."""
        return [*map(_read, reached(self._redis.hgetall, self._key).items())]

    def count(self) -> int:
        """Number of dead letters."""
        return reached(self._redis.hlen, self._key)

    def count_of(self, job: str) -> int:
        """Number of dead letters of a job. Those that earlier releases stored are not counted."""
        return reached(self._redis.hvals, self._jobs).count(job)

    def pages(self) -> Iterator[Iterator[DeadLetter]]:
        """Every dead letter, in pages and in no particular order.

        A dead letter that exists during the whole scan is returned at least once, rarely twice.
        Each is parsed when it is reached, as a document may take some 500 MB of memory.
        """
        cursor = 0
        while True:
            cursor, page = reached(self._redis.hscan, self._key, cursor, count=PAGE)
            yield map(_read, page.items())
            if not cursor:
                return

    def take(self, ids: Sequence[str]) -> Iterator[DeadLetter]:
        """The dead letters with these ids, parsed one at a time; unknown ids are skipped."""
        return map(_read, self._values(ids).items())

    def drop(self, ids: Sequence[str]) -> int:
        """Delete the dead letters with these ids; returns how many existed."""
        if not ids:
            return 0
        with self._redis.pipeline() as pipe:
            pipe.hdel(self._key, *ids)
            pipe.hdel(self._jobs, *ids)
            pipe.hdel(self._identities, *ids)
            pipe.zrem(self._unreadable, *ids)
            dropped, *_ = reached(pipe.execute)
        return int(dropped)

    def remove(self, letters: Iterable[DeadLetter]) -> None:
        """Delete handled dead letters, each only if it is unchanged since it was read.

        A requeued message may have failed again in the meantime; its new dead letter stays.
        """
        by_id = {one.message_id: one for one in letters}
        stored = self._values(list(by_id)).items()
        same = [pair for pair in stored if _read(pair) == by_id[pair[0]]]
        if same:
            arguments = [part for pair in same for part in pair]
            keys = [self._key, self._jobs, self._unreadable, self._identities]
            reached(self._remove, keys=keys, args=arguments)

    def _identity_at(self, message_id: str) -> str:
        """Digest of the shard that is stored under this ID; empty if there is none."""
        (stored,) = reached(self._redis.hmget, self._identities, [message_id])
        if stored is not None:
            return stored
        # earlier releases store no identity
        return "".join(_identity(one) for one in self.take([message_id]) if one.is_shard)

    def _values(self, ids: Sequence[str]) -> dict[str, str]:
        """The stored values by id, in the order of the ids; unknown ids are left out."""
        values = reached(self._redis.hmget, self._key, ids) if ids else []
        return {one: value for one, value in zip(ids, values, strict=True) if value is not None}


_REMOVE = """
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('ZREM', KEYS[3], ARGV[i])
    redis.call('HDEL', KEYS[4], ARGV[i])
  end
end
"""
"""Delete fields whose stored value still equals the given one. ARGV: id, value, ..."""


def _identity(letter: DeadLetter) -> str:
    """A digest of the output and name of a shard; of the whole document if it is not a shard."""
    shard = [letter._field("output"), letter._field("shard")]
    content = json.dumps(shard if letter.is_shard else letter.document)
    return hashlib.sha256(content.encode()).hexdigest()


def _shortened(letter: DeadLetter) -> DeadLetter:
    text = json.dumps(letter.document)
    if len(text) <= _UNREADABLE_CHARS:
        return letter
    document = {"beginning": text[:_UNREADABLE_CHARS], "job": letter.job}
    return letter.model_copy(update={"document": document})


def _packed(letter: DeadLetter) -> str:
    """A dead letter as JSON; a large one is compressed, as its message may have been."""
    # pydantic's own JSON rejects lone surrogates, which a malformed message may hold
    text = json.dumps(letter.model_dump())
    if len(text) < _LARGE_CHARS:
        return text
    return json.dumps({_ZLIB: base64.b64encode(zlib.compress(text.encode())).decode()})


def _read(stored: tuple[str, str]) -> DeadLetter:
    """A dead letter from its id and its value, which a client of Redis may have changed."""
    message_id, value = stored
    try:
        document = json.loads(value)
        if _ZLIB in document:
            document = json.loads(decompress(base64.b64decode(document[_ZLIB]), _MOST_BYTES))
        return DeadLetter.model_validate({**document, "message_id": message_id})
    except (ValueError, TypeError, RecursionError, zlib.error):
        reason = "this dead letter cannot be read: drop it"
        return DeadLetter(message_id=message_id, reason=reason, document=None, worker="", at="")
