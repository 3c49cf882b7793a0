"""Files of a shard -> decoded audio, the next file fetched while this one is at work."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from contract.job import AudioRef, Options, Shard
from contract.layout import fingerprint
from contract.store import ObjectInfo, ObjectStore
from worker.decoding import Audio, decode_file
from worker.results import Outputs
from worker.stopwatch import Stopwatch


@dataclass(frozen=True, kw_only=True)
class Task:
    """One file of a shard and where its results go."""

    ref: AudioRef
    options: Options
    outputs: Outputs
    stopwatch: Stopwatch
    only_job: str | None
    """The one job whose result counts as done; None when any current result does."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What became of fetching and decoding: exactly one of audio, done and error is set."""

    task: Task
    info: ObjectInfo | None = None
    audio: Audio | None = None
    done: bool = False
    """The result is there already."""
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches and decodes in a thread of its own; PyAV and sockets leave the GIL free."""

    store: ObjectStore
    model_revision: str
    max_audio_s: float

    def fetch_ahead(self, shard: Shard) -> Iterator[Fetched]:
        """Every file of the shard in order, at most one ahead of the caller."""
        with ThreadPoolExecutor(1, "fetch") as thread:
            coming: Future[Fetched] | None = None
            for ref in (*shard.files, None):
                ready = coming
                coming = thread.submit(self.fetch, self._task(shard, ref)) if ref else None
                if ready:
                    yield ready.result()

    def _task(self, shard: Shard, ref: AudioRef) -> Task:
        return Task(
            ref=ref,
            options=shard.options.overlaid(ref),
            outputs=Outputs(self.store, shard.output, ref.relative),
            stopwatch=Stopwatch(time.perf_counter),
            only_job=shard.job if shard.overwrite else None,
        )

    def fetch(self, task: Task) -> Fetched:
        """Fetch and decode one file, unless its result is there; errors are values here."""
        info = None
        try:
            with tempfile.TemporaryFile() as file:
                with task.stopwatch("fetch"):
                    info = self.store.download(task.ref.audio, file)
                    done = task.outputs.is_current(self.fingerprint(task, info), task.only_job)
                if done:
                    return Fetched(task=task, info=info, done=True)
                with task.stopwatch("decode"):
                    audio = decode_file(file, self.max_audio_s)
        except Exception as error:
            return Fetched(task=task, info=info, error=error)
        return Fetched(task=task, info=info, audio=audio)

    def fingerprint(self, task: Task, info: ObjectInfo) -> str:
        """What a current result of this file would carry."""
        return fingerprint(task.ref, info.etag, self.model_revision, task.options)
