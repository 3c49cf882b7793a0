"""Files of a shard -> their audio in blocks; later files are fetched while one is processed."""

import contextlib
import functools
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

from funasr_fleet.contract.abilities import Abilities, ignored, unsupported
from funasr_fleet.contract.job import AudioRef, Options, Shard
from funasr_fleet.contract.layout import fingerprint
from funasr_fleet.storage.base import ObjectDenied, ObjectInfo, ObjectMissing, ObjectStore
from funasr_fleet.worker.audio.decoder_pool import DecoderPool, Reservation
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.audio.decoding.resampling import Planes
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection, in_blocks
from funasr_fleet.worker.audio.source import AudioSource, ListedDownloads
from funasr_fleet.worker.engine.interface import BLOCK_SAMPLES
from funasr_fleet.worker.errors import AudioTooShort, ModelError, UndecodableAudio
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.pipeline.bounded_queue import BoundedQueue
from funasr_fleet.worker.pipeline.output_store import ExistingResult, Outputs
from funasr_fleet.worker.pipeline.timers import Stopwatch
from funasr_fleet.worker.process.heartbeat import (
    NO_LIMITS,
    HeartbeatFile,
    TimeLimits,
    Touch,
)
from funasr_fleet.worker.text.spans import SAMPLE_RATE

_BLOCKS_AHEAD = 4
"""Blocks (minutes) of one file that may be decoded before the VAD consumes them."""


@dataclass(frozen=True, kw_only=True)
class FileJob:
    """One file of a shard and where its results are written."""

    ref: AudioRef
    options: Options
    outputs: Outputs
    stopwatch: Stopwatch
    job: str | None
    """The job of its shard."""
    only_job: str | None
    """Only a result of this job counts as existing; None accepts any current result."""
    language_ignored: bool = False
    """Whether the options name a language, but the model does not support selecting one."""


@dataclass(kw_only=True)
class FetchedFile:
    """A file that is being fetched and decoded."""

    file_job: FileJob
    decoder: Reservation
    blocks: BoundedQueue[Planes] = field(default_factory=lambda: BoundedQueue(_BLOCKS_AHEAD))
    """The requested channels, one minute at a time; iterating raises the file's error, if any."""
    info: ObjectInfo | None = None
    """Set once the file is fetched, or its existing result is found."""
    existing: ExistingResult | None = None
    """The file's current result, if it has one; then there are no blocks."""
    has_read_output: bool = False
    """Whether storage has answered for the outputs: later errors of storage are the source's."""

    @property
    def facts(self) -> AudioFacts | None:
        """The properties of the file; None until it is decoded to its end."""
        return self.decoder.facts

    def close(self) -> None:
        """Stop consuming blocks and release the thread that produces them."""
        self.decoder.abandon()
        self.blocks.abandon()


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches files and has them decoded, in its own threads; a process creates one."""

    store: ObjectStore
    decoders: DecoderPool
    audio: AudioSource | None = None
    """Where audio is fetched from; None for the store."""
    model_revision: str
    abilities: Abilities
    limits: Limits
    time_limits: TimeLimits = NO_LIMITS
    touch: Touch = ignore
    """Called at every step; see worker.process.heartbeat."""
    at_once: int = 1
    """Files fetched ahead while one is processed."""
    _downloads: ListedDownloads = field(init=False)

    def __post_init__(self) -> None:
        """Make the object that downloads; it remembers which stores have MD5s as ETags."""
        downloads = ListedDownloads(self.audio or self.store, self.limits.bytes)
        object.__setattr__(self, "_downloads", downloads)

    def fetch_ahead(
        self, shard: Shard, refs: Iterable[AudioRef]
    ) -> Generator[FetchedFile, None, None]:
        """Yield these files of the shard. A file is closed when the next one is requested."""
        pending: deque[FetchedFile] = deque()
        with ThreadPoolExecutor(self.at_once + 1, "fetch") as threads:
            try:
                for ref in refs:
                    pending.append(self._begin(self._file_job(shard, ref), threads))
                    if len(pending) > self.at_once:
                        yield pending[0]
                        pending.popleft().close()
                while pending:
                    yield pending[0]
                    pending.popleft().close()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
                for fetched in pending:
                    fetched.close()

    def _file_job(self, shard: Shard, ref: AudioRef) -> FileJob:
        name, options = ref.relative, shard.options.overlaid(ref)
        return FileJob(
            ref=ref,
            options=options,
            outputs=Outputs(self.store, shard.output, ref.relative),
            job=shard.job,
            stopwatch=Stopwatch(time.perf_counter, step=lambda s: self.touch(f"{s} of {name}")),
            only_job=shard.job if shard.overwrite else None,
            language_ignored=bool(ignored(options, self.abilities)),
        )

    def _begin(self, file_job: FileJob, threads: ThreadPoolExecutor) -> FetchedFile:
        fetched = FetchedFile(file_job=file_job, decoder=self.decoders.reserve())
        try:
            threads.submit(fetched.blocks.fill, self._decode(fetched))
        except BaseException:  # otherwise no later file would be decoded
            fetched.close()
            raise
        return fetched

    def _fetch(self, fetched: FetchedFile) -> BinaryIO | None:
        """Fetch the file to disk; return None when its current result exists."""
        file_job = fetched.file_job
        with file_job.stopwatch("fetch"):
            existing = file_job.outputs.existing(file_job.only_job)
            fetched.has_read_output = True
            if existing and (info := self._info_if_current(file_job, existing)):
                fetched.info, fetched.existing = info, existing
                return None
            if existing:
                existing.check_owner(file_job.ref, file_job.job)
            if reasons := unsupported(file_job.options, self.abilities):
                raise ModelError(f"options not supported by this model: {'; '.join(reasons)}")
            return self._download(fetched, existing)

    def existing(self, shard: Shard, ref: AudioRef) -> ExistingResult | None:
        """The current result of a file, or None. Raises StoreError."""
        file_job = self._file_job(shard, ref)
        existing = file_job.outputs.existing(file_job.only_job)
        return existing if existing and self._info_if_current(file_job, existing) else None

    def _info_if_current(self, file_job: FileJob, existing: ExistingResult) -> ObjectInfo | None:
        """The audio's object info if the result was made from that object; else None."""
        info = self._head(file_job)
        return info if info and self.fingerprint(file_job, info) == existing.fingerprint else None

    def _head(self, file_job: FileJob) -> ObjectInfo | None:
        """The audio's object info; None if missing or denied: the download reports why."""
        try:
            return (self.audio or self.store).head(file_job.ref.audio)
        except (ObjectMissing, ObjectDenied):
            return None

    def _download(self, fetched: FetchedFile, existing: ExistingResult | None) -> BinaryIO | None:
        """Fetch the object as it is now; it may have been replaced since it was listed."""
        file_job = fetched.file_job
        file = self._temporary(file_job)
        try:
            fetched.info = self._downloads.download(file_job.ref, file)
            if existing and self.fingerprint(file_job, fetched.info) == existing.fingerprint:
                fetched.existing = existing
                file.close()
                return None
        except BaseException:
            file.close()
            raise
        return file

    def _decode(self, fetched: FetchedFile) -> Iterator[Planes]:
        with contextlib.closing(fetched.decoder), contextlib.ExitStack() as cleanup:
            file = self._fetch(fetched)
            if file is None:
                return
            cleanup.enter_context(file)
            job = fetched.file_job
            fetched.decoder.wait()  # not counted as decoding
            decoded = fetched.decoder.blocks(
                file,
                Selection.of(job.ref, job.options),
                self.limits,
                functools.partial(self.touch, f"decode of {job.ref.relative}"),
                self.time_limits.for_file,
            )
            blocks = in_blocks(decoded, BLOCK_SAMPLES)
            try:
                yield from self._time_limited(job, job.stopwatch.over("decode", blocks))
            except (UndecodableAudio, AudioTooShort):
                self._confirm(fetched, file)
                raise

    def _confirm(self, fetched: FetchedFile, file: BinaryIO) -> None:
        """Raise a StoreError if a file that cannot be decoded is not the object in storage."""
        job = fetched.file_job
        if fetched.info is None:
            return
        with job.stopwatch("fetch"), self._temporary(job) as second:
            self._downloads.confirm(job.ref, fetched.info, file, second)

    def _temporary(self, file_job: FileJob) -> HeartbeatFile:
        return HeartbeatFile(functools.partial(self.touch, f"fetch of {file_job.ref.relative}"))

    def _time_limited(self, file_job: FileJob, blocks: Iterable[Planes]) -> Iterator[Planes]:
        """Yield the blocks while the file stays within its time limit.

        Raises:
            ModelError: the file took too long.
        """
        audio_s, name, stopwatch = 0.0, file_job.ref.relative, file_job.stopwatch
        for block in blocks:
            block_s = block.shape[1] / SAMPLE_RATE
            audio_s += block_s
            self.touch(f"decode of {name}", self.time_limits.for_audio(block_s))
            allowed_s = self.time_limits.for_file(audio_s)
            if stopwatch.total_s - stopwatch.seconds.get("fetch", 0.0) > allowed_s:
                raise ModelError(
                    f"processing took longer than {allowed_s:.0f} s; see FLEET_MIN_RTFX"
                )
            yield block

    def fingerprint(self, file_job: FileJob, info: ObjectInfo) -> str:
        """The fingerprint that a result of this file must have to be current."""
        return fingerprint(file_job.ref, info.etag, self.model_revision, file_job.options)
