"""Every file of a shard gets its outcome: it is committed, reported or put off.

Writing goes on in other threads; what they did is taken down here, in the thread of the shard.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace

from contract.audio_address import shown
from contract.job import AudioRef, Shard
from contract.store import ObjectInfo
from contract.transcript import Outcome
from worker.committing import Committed, Committer, stretch_s
from worker.engine.interface import Engine
from worker.events import FileFinished, Observer
from worker.failures import Retry, Skip, decide
from worker.fetching import Task
from worker.hearing import Heard, Hearing
from worker.results import Made
from worker.telemetry.resident import resident_bytes

_MOST_POSTPONED = 5
"""When more files of a shard cannot be had, it is storage that fails, and the rest can wait."""

_WRITES_BEHIND = 64
"""Files that may wait to be written before the device waits for them."""

Record = Callable[[AudioRef, FileFinished], None]
"""Takes down what became of a file."""

Fingerprint = Callable[[Task, ObjectInfo], str]
"""What a current result of a file carries."""


class Outcomes:
    """See above."""

    def __init__(  # noqa: PLR0913 - wired once, by name
        self,
        *,
        shard: Shard,
        engine: Engine,
        committer: Committer,
        fingerprint: Fingerprint,
        writers: Executor,
        record: Record,
        observe: Observer,
    ) -> None:
        self._shard = shard
        self._engine = engine
        self._committer = committer
        self._fingerprint = fingerprint
        self._writers = writers
        self._record = record
        self._observe = observe
        self._pending: deque[tuple[Hearing, Future[FileFinished]]] = deque()
        self.postponed: list[Exception] = []
        """Why files must be tried again later."""
        self.threads = 0
        """The most torch threads that were found after a file."""

    def end(self, hearing: Hearing) -> None:
        """All that can be known of a file is known: write it behind the device's back.

        Raises:
            Exception: of an earlier file, when it is the shard's or the process's affair.
        """
        channels: list[Heard] = []
        try:
            if not hearing.error and not hearing.incoming.made:
                channels = hearing.assemble(self._engine.tell_apart)
        except Exception as error:
            hearing.fail(error)
        if hearing.error and isinstance(decide(hearing.error, 0), Retry):
            self._postpone(hearing.error)
            return
        threads = self._engine.hold_threads()
        self.threads = max(self.threads, threads)
        writing = self._writers.submit(self._finish, hearing, channels, threads)
        self._pending.append((hearing, writing))
        self.settle(_WRITES_BEHIND)

    def settle(self, most: int = 0) -> None:
        """Take down what was written until at most so many files are waiting. Raises as end."""
        while len(self._pending) > most:
            hearing, writing = self._pending.popleft()
            try:
                finished = writing.result()
            except Exception as error:
                self._postpone(error)
                continue
            self._record(hearing.ref, finished)
            self._observe(finished)

    def _postpone(self, error: Exception) -> None:
        self.postponed.append(error)
        storage = isinstance(decide(error, 0), Retry)
        if len(self.postponed) > _MOST_POSTPONED or not storage:
            raise error

    def salvage(self) -> None:
        """Take down all that was written, when something else went wrong."""
        while self._pending:
            with contextlib.suppress(Exception):
                self.settle(len(self._pending) - 1)

    def _finish(self, hearing: Hearing, channels: Sequence[Heard], threads: int) -> FileFinished:
        """Skip, commit or report one file."""
        if made := hearing.incoming.made:
            return self._skipped(hearing, made, threads)
        try:
            committed = self._commit(hearing, channels, threads)
        except Exception as error:
            decision = decide(error, self._committer.who.retries)
            if not isinstance(decision, Skip):
                raise
            self._committer.report(hearing, decision)
            return self._event(hearing, "failed", threads, failure=decision)
        outcome: Outcome = "ok" if committed.heard.segments else "empty"
        return self._event(hearing, outcome, threads, committed=committed)

    def _skipped(self, hearing: Hearing, made: Made, threads: int) -> FileFinished:
        """Its result was there; perhaps a process made it for this job that died right after."""
        event = self._event(hearing, "skipped", threads)
        if self._shard.job is None or made.job != self._shard.job:
            return event
        return replace(
            event,
            made_before=made.outcome,
            audio_s=made.audio_s,
            fingerprint=made.fingerprint,
            result_etag=hearing.incoming.task.outputs.etag(),
        )

    def _commit(self, hearing: Hearing, channels: Sequence[Heard], threads: int) -> Committed:
        if hearing.error:
            raise hearing.error
        task, info = hearing.incoming.task, hearing.incoming.info
        assert info  # noqa: S101 - it was fetched
        return self._committer.commit(hearing, channels, self._fingerprint(task, info), threads)

    def _event(
        self,
        hearing: Hearing,
        outcome: Outcome,
        threads: int,
        *,
        committed: Committed | None = None,
        failure: Skip | None = None,
    ) -> FileFinished:
        task, facts = hearing.incoming.task, hearing.incoming.facts
        heard = committed.heard if committed else None
        return FileFinished(
            shard=self._shard.shard,
            job=self._shard.job,
            audio=shown(task.ref.audio),
            index=task.ref.index,
            outcome=outcome,
            audio_s=stretch_s(task, facts) if heard and facts else 0.0,
            seconds=task.stopwatch.total_s,
            stages_s=dict(task.stopwatch.seconds),
            threads=threads,
            resident_bytes=resident_bytes(),
            device_bytes=self._engine.memory_bytes().get("allocated", 0),
            error=failure.message if failure else None,
            error_kind=failure.kind if failure else None,
            fingerprint=committed.fingerprint if committed else None,
            result_etag=committed.etag if committed else None,
            warnings=heard.warnings if heard else (),
        )
