"""Files of a shard -> their audio, block by block; the next ones come in while one is at work."""

import io
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, cast

from contract.abilities import Abilities, unsupported
from contract.job import AudioRef, Options, Shard
from contract.layout import fingerprint
from contract.store import ObjectDenied, ObjectInfo, ObjectMissing, ObjectStore
from worker.decoding import Planes, decode_pieces
from worker.engine.interface import BLOCK_SAMPLES
from worker.failures import ModelError
from worker.handover import Handover
from worker.limits import Limits
from worker.listed_bytes import download_listed
from worker.planning.spans import SAMPLE_RATE
from worker.progress import ENDLESS, SLOWEST_BYTES_PER_S, Beat, Patience, unheard
from worker.results import Made, Outputs
from worker.sources import AudioSource
from worker.stopwatch import Stopwatch
from worker.stretches import AudioFacts, Stretch

_BLOCKS_AHEAD = 4
"""Minutes of one file that may be decoded before somebody listens to them."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One file of a shard and where its results go."""

    ref: AudioRef
    options: Options
    outputs: Outputs
    stopwatch: Stopwatch
    only_job: str | None
    """The one job whose result counts as done; None when any current result does."""


@dataclass(kw_only=True)
class Incoming:
    """A file on its way in."""

    task: Task
    blocks: Iterable[Planes] = ()
    """The channels asked for, a minute at a time; raises what kept them from coming."""
    info: ObjectInfo | None = None
    """Known once the file was fetched, or its result found."""
    made: Made | None = None
    """Its result if that is there already; then no block comes."""
    facts: AudioFacts | None = None
    """Known once the last block has come, or what kept it from coming."""

    def leave(self) -> None:
        """Take no more blocks; whoever makes them must not wait for that."""
        if isinstance(self.blocks, Handover):
            self.blocks.abandon()
        elif isinstance(self.blocks, Generator):
            self.blocks.close()


class _Arriving(io.BufferedRandom):
    """A temporary file that gives a sign of life whenever bytes come."""

    def __init__(self, arrived: Callable[[float], None]) -> None:
        """`arrived` is told how long so many bytes may take, in seconds."""
        raw = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the buffer over it
        super().__init__(cast(io.RawIOBase, raw))
        self._arrived = arrived

    def write(self, data: Any, /) -> int:
        self._arrived(len(data) / SLOWEST_BYTES_PER_S)
        return super().write(data)


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches in threads of its own; decodes there too, or where the blocks are taken."""

    store: ObjectStore
    audio: AudioSource | None = None
    """Where audio comes from, if not from the store alone."""
    model_revision: str
    abilities: Abilities
    limits: Limits
    patience: Patience = ENDLESS
    beat: Beat = unheard
    """Told of every step; see worker.progress."""
    at_once: int = 1
    """Files that come in while one is at work."""
    decodes_ahead: bool = False
    """Whether files are decoded before somebody asks for their blocks."""

    def fetch_ahead(
        self, shard: Shard, stop: Callable[[], bool] = lambda: False
    ) -> Generator[Incoming, None, None]:
        """Every file of the shard, the smallest first: the device soon has something to do.

        Once `stop` says so, no further file is begun.
        """
        refs = sorted(shard.files, key=lambda ref: ref.size_bytes or 0)
        coming: deque[Incoming] = deque()
        with ThreadPoolExecutor(self.at_once + 1, "fetch") as threads:
            try:
                for ref in itertools.takewhile(lambda _: not stop(), refs):
                    coming.append(self._begin(self._task(shard, ref), threads))
                    if len(coming) > self.at_once:
                        yield coming[0]
                        coming.popleft()
                while coming:
                    yield coming[0]
                    coming.popleft()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
                for incoming in coming:
                    incoming.leave()

    def _task(self, shard: Shard, ref: AudioRef) -> Task:
        name = ref.relative
        return Task(
            ref=ref,
            options=shard.options.overlaid(ref),
            outputs=Outputs(self.store, shard.output, ref.relative),
            stopwatch=Stopwatch(time.perf_counter, step=lambda s: self.beat(f"{s} of {name}")),
            only_job=shard.job if shard.overwrite else None,
        )

    def _begin(self, task: Task, threads: Executor) -> Incoming:
        incoming = Incoming(task=task)
        if self.decodes_ahead:
            ahead: Handover[Planes] = Handover(_BLOCKS_AHEAD)
            threads.submit(ahead.fill, self._decode(incoming, partial(self._fetch, incoming)))
            incoming.blocks = ahead
        else:
            fetching = threads.submit(self._fetch, incoming)
            incoming.blocks = self._decode(incoming, fetching.result)
        return incoming

    def _fetch(self, incoming: Incoming) -> BinaryIO:
        """The file's bytes, on disk; none are fetched when its current result is there."""
        task = incoming.task
        with task.stopwatch("fetch"):
            made = task.outputs.made(task.only_job)
            if made and (there := self._current(task, made)):
                incoming.info, incoming.made = there, made
                return io.BytesIO()
            self._refuse(task.options)
            return self._download(incoming, made)

    def _refuse(self, options: Options) -> None:
        """Say what the model cannot do of what a file asks for.

        Raises:
            ModelError: there is something.
        """
        if reasons := unsupported(options, self.abilities):
            raise ModelError(f"this model cannot do what was asked for: {'; '.join(reasons)}")

    def made(self, shard: Shard, ref: AudioRef) -> Made | None:
        """The current result of a file, if it has one. Raises StoreError."""
        task = self._task(shard, ref)
        made = task.outputs.made(task.only_job)
        return made if made and self._current(task, made) else None

    def _current(self, task: Task, made: Made) -> ObjectInfo | None:
        """What storage says of the audio, if it is what the result was made of."""
        there = self._head(task)
        return there if there and self.fingerprint(task, there) == made.fingerprint else None

    def _head(self, task: Task) -> ObjectInfo | None:
        """What storage says of the audio; where it refuses, a download tells better why."""
        try:
            return (self.audio or self.store).head(task.ref.audio)
        except (ObjectMissing, ObjectDenied):
            return None

    def _download(self, incoming: Incoming, made: Made | None) -> BinaryIO:
        """The bytes of the object as it is now; it may have been replaced since it was listed."""
        task = incoming.task
        file = _Arriving(partial(self.beat, f"fetch of {task.ref.relative}"))
        try:
            source = self.audio or self.store
            incoming.info = download_listed(source, task.ref, file, self.limits.bytes)
            if made and self.fingerprint(task, incoming.info) == made.fingerprint:
                incoming.made = made
        except BaseException:
            file.close()
            raise
        return file

    def _decode(self, incoming: Incoming, fetched: Callable[[], BinaryIO]) -> Iterator[Planes]:
        task = incoming.task
        with fetched() as file:
            if incoming.made:
                return
            stretch = Stretch(task.ref, task.options)
            beat = partial(self.beat, f"decode of {task.ref.relative}")
            pieces = decode_pieces(file, self.limits, beat)
            blocks = stretch.blocks(pieces, BLOCK_SAMPLES)
            try:
                yield from self._watched(task, task.stopwatch.over("decode", blocks))
            finally:
                incoming.facts = stretch.facts

    def _watched(self, task: Task, blocks: Iterable[Planes]) -> Iterator[Planes]:
        """The same blocks, as long as they come fast enough.

        Raises:
            ModelError: the file took too long.
        """
        heard_s = 0.0
        for block in blocks:
            block_s = block.shape[1] / SAMPLE_RATE
            heard_s += block_s
            self.beat(f"decode of {task.ref.relative}", self.patience.for_audio(block_s))
            allowed_s = self.patience.for_file(heard_s)
            if task.stopwatch.total_s - task.stopwatch.seconds.get("fetch", 0.0) > allowed_s:
                raise ModelError(f"given up after {allowed_s:.0f} s of work: see FLEET_MIN_RTFX")
            yield block

    def fingerprint(self, task: Task, info: ObjectInfo) -> str:
        """What a current result of this file would carry."""
        return fingerprint(task.ref, info.etag, self.model_revision, task.options)
