"""Publish the parts of a plan as shards, with back-pressure and a cursor in Redis."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from funasr_fleet.broker.ledger import JobWriter
from funasr_fleet.contract.job import Shard
from funasr_fleet.producer.planning.packing import PlannedFile, pack, shard_name
from funasr_fleet.producer.planning.parts import Part
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.producer.publishing.messages import Publisher, ShardTemplate, open_publisher
from funasr_fleet.settings import Settings

LOW_SHARE = 0.5
"""Low-water mark as a share of the high-water mark; avoids publishing in many small batches."""

_POLL_INTERVAL_S = 1.0


def wait_for_room(
    high: int,
    count_ready: Callable[[], int],
    stop: Callable[[], bool],
    waiting: Callable[[int], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Back-pressure: at the high-water mark, wait until the low-water mark is reached.

    Args:
        high: high-water mark: maximum number of ready messages in the queue.
        count_ready: returns the current number of ready messages.
        stop: returns whether to stop waiting.
        waiting: called with the number of ready messages at each poll while waiting.
        sleep: waits for the given seconds.

    Returns:
        How many messages may be published, possibly 0 after a stop.
    """
    ready = count_ready()
    if ready < high:
        return high - ready
    while ready > high * LOW_SHARE and not stop():
        waiting(ready)
        sleep(_POLL_INTERVAL_S)
        ready = count_ready()
    return max(0, high - ready)


_AT_ONCE = 100
"""Shards per round trip. After a producer is killed, up to this many are published twice, under the
same names."""

_EXAMPLE = "s3://bucket/key"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Counts of the shards that one round trip published."""

    shards: int
    files: int
    audio_ms: int


@dataclass(kw_only=True)
class Publication:
    """Publishes a job and skips the shards that an earlier run published; a context manager."""

    settings: Settings
    writer: JobWriter
    ready: Callable[[], int]
    """Returns the number of ready messages in the queue."""
    job: str
    request: JobRequest
    queue: str
    max_ready: int
    check_lock: Callable[[], None] = lambda: None
    """Called before each round trip and while waiting; raises if the job lock is lost."""
    cancelled: bool = False
    """Whether the job was cancelled while it was published."""
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        opened = open_publisher(self.settings, self.queue, self.request.priority)
        self._publisher: Publisher = self._open.enter_context(opened)
        self._template = ShardTemplate(template_shard(self.job, self.request))
        self.cursor = self.writer.cursor(self.job)
        """(window, number of its shards published): where an earlier run stopped."""
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def publish(self, part: Part, waiting: Callable[[int], None]) -> Iterator[Sent]:
        """Publish the shards of a part; yields the counts of each round trip.

        Args:
            part: the part to publish.
            waiting: called with the number of ready messages while back-pressure applies.

        Raises:
            BrokerUnavailable: Redis is unavailable; shards already published stay in the queue.
        """
        window, before = self.cursor
        shards = list(enumerate(pack(part.files, self.request.limits)))
        if part.number == window:
            shards = shards[before:]
        while shards and not self._is_stopped():
            room = wait_for_room(self.max_ready, self.ready, self._is_stopped, waiting)
            some, shards = shards[: min(room, _AT_ONCE)], shards[min(room, _AT_ONCE) :]
            if some:
                self._send(part.number, some)
                yield _sum(some)
        if not self.cancelled:
            self.writer.save_cursor(self.job, part.number + 1, 0)

    def _send(self, window: int, shards: Sequence[tuple[int, list[PlannedFile]]]) -> None:
        with self._publisher.batch(len(shards)):
            for number, files in shards:
                name = shard_name(self.job, window, number)
                body = self._template.body(name, (file.row for file in files))
                self._publisher.publish(name, body)
        self.writer.save_cursor(self.job, window, shards[-1][0] + 1)

    def _is_stopped(self) -> bool:
        self.check_lock()
        self.cancelled = self.cancelled or self.writer.is_cancelled(self.job)
        return self.cancelled


def template_shard(job: str, request: JobRequest) -> Shard:
    """A shard with the job's options; its name and files are placeholders."""
    return Shard.model_validate(
        {
            "schema": 1,
            "shard": job,
            "job": job,
            "output": request.output,
            "files": [{"audio": _EXAMPLE}],
            "options": request.options,
            "overwrite": request.overwrite,
        }
    )


def _sum(shards: Sequence[tuple[int, list[PlannedFile]]]) -> Sent:
    files = list(itertools.chain.from_iterable(files for _, files in shards))
    audio_ms = sum(file.estimated_ms for file in files)
    return Sent(shards=len(shards), files=len(files), audio_ms=audio_ms)
