"""Parts of a plan -> messages, no more than may wait, with a cursor behind them."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from contract.job import Shard
from contract.ledger import Planner
from contract.settings import Settings
from producer.planning.packing import PlannedFile, pack, shard_name
from producer.planning.parts import Part
from producer.planning.request import JobRequest
from producer.publishing.back_pressure import BackPressure
from producer.publishing.messages import Publisher, ShardTemplate, open_publisher

_AT_ONCE = 100
"""Shards of one round trip: what a killed producer may publish twice, under the same names."""

_EXAMPLE = "s3://bucket/key"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What one round trip published."""

    shards: int
    files: int
    audio_ms: int


@dataclass(kw_only=True)
class Publication:
    """Publishes a job; what was published by an earlier run is not published again."""

    settings: Settings
    planner: Planner
    ready: Callable[[], int]
    """Messages that wait in the queue."""
    job: str
    request: JobRequest
    queue: str
    max_ready: int
    alive: Callable[[], None] = lambda: None
    """Called now and then."""
    cancelled: bool = False
    """Whether somebody cancelled the job meanwhile."""
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        opened = open_publisher(self.settings, self.queue, self.request.priority)
        self._publisher: Publisher = self._open.enter_context(opened)
        self._pressure = BackPressure(high=self.max_ready, ready=self.ready)
        self._template = ShardTemplate(template_shard(self.job, self.request))
        self.cursor = self.planner.cursor(self.job)
        """(window, shards of it) that an earlier run has published."""
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def publish(self, part: Part, waiting: Callable[[int], None]) -> Iterator[Sent]:
        """Publish the shards of a part, some with each round trip.

        Args:
            part: what is to be published.
            waiting: told how many messages wait, when there are too many.

        Raises:
            BrokerUnavailable: Redis fails; what is published stays so.
        """
        window, before = self.cursor
        shards = list(enumerate(pack(part.files, self.request.limits)))
        if part.number == window:
            shards = shards[before:]
        while shards and not self._is_stopped():
            room = self._pressure.room(self._is_stopped, waiting)
            some, shards = shards[: min(room, _AT_ONCE)], shards[min(room, _AT_ONCE) :]
            if some:
                self._send(part.number, some)
                yield _sum(some)
        if not self.cancelled:
            self.planner.save_cursor(self.job, part.number + 1, 0)

    def _send(self, window: int, shards: Sequence[tuple[int, list[PlannedFile]]]) -> None:
        with self._publisher.batch(len(shards)):
            for number, files in shards:
                name = shard_name(self.job, window, number)
                body = self._template.body(name, (file.row for file in files))
                self._publisher.publish(name, body)
        self.planner.save_cursor(self.job, window, shards[-1][0] + 1)

    def _is_stopped(self) -> bool:
        self.alive()
        self.cancelled = self.cancelled or self.planner.is_cancelled(self.job)
        return self.cancelled


def template_shard(job: str, request: JobRequest) -> Shard:
    """A shard as all of the job's are, but for its name and its files."""
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
