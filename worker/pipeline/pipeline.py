"""Processes one shard: fetch -> decode -> VAD -> recognise -> write.

Fetching, decoding and writing run in their own threads while the device works, and the clips of
all files are recognised in common batches. The pipeline emits events; it updates no metrics.
"""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.transcript import utc_now
from funasr_fleet.worker.engine.interface import Engine
from funasr_fleet.worker.error_handling import Retry, decide
from funasr_fleet.worker.events import InferenceTime, Observer, ignore
from funasr_fleet.worker.pipeline.bounded_queue import prefetch
from funasr_fleet.worker.pipeline.fetch import FetchedFile, Fetcher
from funasr_fleet.worker.pipeline.file_finalizer import FileFinalizer, Record
from funasr_fleet.worker.pipeline.file_state import ClipOfFile, EndOfFile
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.periodic_call import called_every
from funasr_fleet.worker.pipeline.recognise import recognise
from funasr_fleet.worker.pipeline.result_writer import ResultWriter, RunContext
from funasr_fleet.worker.pipeline.storage_errors import StorageErrors
from funasr_fleet.worker.pipeline.timers import RecognitionSpeed, UtilizationTimer
from funasr_fleet.worker.pipeline.vad import detect_speech
from funasr_fleet.worker.text.batching import (
    FIRST_S,
    GROUP_WORK_S,
    MOST_S,
    group_limit_s,
    in_groups,
)

_WRITERS = 4
_REPORT_EVERY_S = 1.0
"""Progress in Redis is at most this old, and is written no more often."""

Group = list[ClipOfFile | EndOfFile]


@dataclass(frozen=True, kw_only=True)
class ShardUsage:
    """Resources that a shard used."""

    threads: int
    """Highest torch thread count found after a file."""
    busy_s: float
    """Seconds during which the models were in use."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Processes shards. A process creates one and uses it for all shards."""

    engine: Engine
    observe: Observer
    fetcher: Fetcher
    """Fetches the files of a shard, and finds those that already have a result."""
    vad_ahead: bool = False
    """Whether VAD of later files runs while earlier ones are recognised: useful with a GPU, where
    the two do not compete for the CPU."""
    now: Callable[[], str] = utc_now
    speed: RecognitionSpeed = field(default_factory=RecognitionSpeed)
    """Measured over the shards processed so far."""

    def run(
        self,
        shard: Shard,
        run: RunContext,
        record: Record,
        stop: Callable[[], bool] = lambda: False,
        is_cancelled: Callable[[], bool] = lambda: False,
        report: Callable[[int], None] = ignore,
    ) -> ShardUsage:
        """Process every file of the shard.

        Args:
            shard: the files and their options.
            run: the worker, and the attempt.
            record: called with the outcome of each file, at most a second after it was written.
            stop: once it returns true, no further file is started.
            is_cancelled: once it returns true, no further group is recognised; files that are not
                recognised to their end have no outcome.
            report: called once a second, in a thread, with the recognised audio of the files
                without an outcome, in ms.

        Raises:
            Exception: any error that worker.error_handling.decide does not map to Skip. Files
                with a retryable storage error do not prevent the others from being committed.
        """
        with (
            ThreadPoolExecutor(1, "vad") as vad_executor,
            ThreadPoolExecutor(_WRITERS, "write") as write_executor,
        ):
            outputs = Outputs(self.fetcher.store, shard.output, "")
            errors = StorageErrors(run.retries, outputs.check_writable)
            refs = errors.files(shard.files, stop)
            finalizer = FileFinalizer(
                shard=shard,
                engine=self.engine,
                result_writer=ResultWriter(engine=self.engine.identity, run=run, now=self.now),
                fingerprint=self.fetcher.fingerprint,
                errors=errors,
                write_executor=write_executor,
                record=record,
                observe=self.observe,
            )
            busy = UtilizationTimer(time.perf_counter)

            def report_progress() -> None:
                finalizer.collect_written()
                report(finalizer.in_progress_ms())

            with (
                called_every(_REPORT_EVERY_S, report_progress),
                # an error's traceback would keep the generators, and their threads, alive
                contextlib.closing(self.fetcher.fetch_ahead(shard, refs)) as files,
                contextlib.closing(self._groups(files, busy, vad_executor)) as groups,
            ):
                self._process(_until(is_cancelled, groups), finalizer, busy)
            finalizer.collect()  # files that the reporting thread could not record
        errors.check()
        return ShardUsage(threads=finalizer.threads, busy_s=busy.total_s)

    def _groups(
        self, files: Iterable[FetchedFile], busy: UtilizationTimer, vad_executor: Executor
    ) -> Generator[Group, None, None]:
        speech = detect_speech(self.engine, files, busy)
        # a small first group lets recognition start early; useful only if VAD runs in parallel
        groups: Generator[Group, None, None] = in_groups(
            speech,
            self._seconds,
            FIRST_S if self.vad_ahead else MOST_S,
            lambda: group_limit_s(self.speed.value),
            collect_s=GROUP_WORK_S,
        )
        return prefetch(groups, 1, vad_executor) if self.vad_ahead else groups

    def _seconds(self, one: ClipOfFile | EndOfFile) -> float:
        """Seconds this item adds to its group.

        A retryable storage error ends the group at once. So does the end of a file if the model
        recognises one clip at a time, since such a model gains nothing from larger groups, or if
        the model is slower than real time.
        """
        if isinstance(one, ClipOfFile):
            return one.clip.seconds
        error = one.file.error
        by_file = not self.engine.abilities.batch or (self.speed.value or math.inf) < 1.0
        ends = by_file or (error and isinstance(decide(error, 0), Retry))
        return math.inf if ends else 0.0

    def _recognise(self, clips: list[ClipOfFile], busy: UtilizationTimer) -> None:
        begin = time.perf_counter()
        recognise(self.engine, clips, busy)
        self.speed.add(sum(one.clip.seconds for one in clips), time.perf_counter() - begin)
        self.observe(InferenceTime(seconds=busy.take()))

    def _process(
        self, groups: Iterable[Group], finalizer: FileFinalizer, busy: UtilizationTimer
    ) -> None:
        try:
            for group in groups:
                # files whose clips were all in earlier groups
                for one in itertools.takewhile(_is_end, group):
                    finalizer.finish(one.file)
                clips = [one for one in group if isinstance(one, ClipOfFile)]
                finalizer.begin(one.file for one in clips)
                self._recognise(clips, busy)
                for one in filter(_is_end, itertools.dropwhile(_is_end, group)):
                    finalizer.finish(one.file)
        except BaseException:
            finalizer.collect_remaining()  # its errors are ignored: the first one is raised
            raise
        finalizer.collect()


def _is_end(one: ClipOfFile | EndOfFile) -> bool:
    return isinstance(one, EndOfFile)


def _until(is_over: Callable[[], bool], groups: Iterator[Group]) -> Iterator[Group]:
    """Yield groups until `is_over`; it is called before and after each group is collected."""
    while not is_over():
        group = next(groups, None)
        if group is None or is_over():
            return
        yield group
