"""One shard from beginning to end: fetch -> decode -> find speech -> recognise -> write.

The pipeline says what happened by events, and never how that is counted.
"""

from collections.abc import Callable
from dataclasses import dataclass

from contract.job import AudioRef, Shard
from contract.store import ObjectStore
from contract.transcript import Outcome, utc_now
from worker import receipts, transcribing
from worker.decoding import Audio
from worker.engine.interface import Engine
from worker.events import FileFinished, Observer
from worker.failures import Retry, Skip, decide
from worker.fetching import Fetched, Fetcher, Task
from worker.receipts import Circumstances
from worker.results import Outputs
from worker.transcribing import Heard

_MOST_POSTPONED = 5
"""When more files of a shard cannot be had, it is storage that fails, and the rest can wait."""

Record = Callable[[AudioRef, Outcome, int], None]
"""Takes down a file's outcome and its audio in ms."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Everything that a shard needs on its way, wired once per process."""

    store: ObjectStore
    engine: Engine
    observe: Observer
    max_audio_s: float
    now: Callable[[], str] = utc_now

    def run(self, shard: Shard, who: Circumstances, record: Record) -> int:
        """Give every file of the shard its outcome; return the most torch threads found.

        Raises:
            Exception: whatever worker.failures.decide does not answer with Skip. Files that
                storage refuses for now do not keep the others from being committed.
        """
        threads = 0
        postponed: list[Exception] = []
        for fetched in self._fetcher.fetch_ahead(shard):
            try:
                finished = self._finish(shard, fetched, who)
            except Exception as error:
                postponed.append(error)
                if len(postponed) > _MOST_POSTPONED or not isinstance(decide(error, 0), Retry):
                    raise
                continue
            record(fetched.task.ref, finished.outcome, round(finished.audio_s * 1000))
            self.observe(finished)
            threads = max(threads, finished.threads)
        if postponed:
            raise postponed[0]
        return threads

    @property
    def _fetcher(self) -> Fetcher:
        return Fetcher(
            store=self.store,
            model_revision=self.engine.identity.model_revision,
            max_audio_s=self.max_audio_s,
        )

    def _finish(self, shard: Shard, fetched: Fetched, who: Circumstances) -> FileFinished:
        """Skip, transcribe or report one file."""
        try:
            if fetched.error:
                raise fetched.error
            if fetched.done:
                return self._event(shard, fetched, "skipped")
            heard, threads = self._transcribe(fetched, who)
        except Exception as error:
            decision = decide(error, who.retries)
            if not isinstance(decision, Skip):
                raise
            self._report(fetched, decision, who)
            return self._event(shard, fetched, "failed", error=decision.message)
        outcome: Outcome = "ok" if heard.segments else "empty"
        return self._event(shard, fetched, outcome, heard=heard, threads=threads)

    def _transcribe(self, fetched: Fetched, who: Circumstances) -> tuple[Heard, int]:
        """What was said, committed; and the torch threads found after it."""
        task, audio = fetched.task, fetched.audio
        assert audio  # noqa: S101 - Fetched holds one of audio, done and error
        channels = transcribing.transcribe(
            self.engine, audio, task.ref, task.options, task.stopwatch
        )
        threads = self.engine.hold_threads()
        if not transcribing.is_split(task.ref, task.options):
            (heard,) = channels
        else:
            for one in channels:
                name = f"{task.ref.relative}.ch{one.channel}"
                self._commit(fetched, one, name, threads, who)
            heard = transcribing.merge_channels(channels)
        self._commit(fetched, heard, task.ref.relative, threads, who)
        return heard, threads

    def _commit(
        self, fetched: Fetched, heard: Heard, name: str, threads: int, who: Circumstances
    ) -> None:
        task, audio, info = fetched.task, fetched.audio, fetched.info
        assert audio  # noqa: S101 - something was heard in it
        assert info  # noqa: S101 - it was decoded from this object
        work = receipts.Work(
            fingerprint=self._fetcher.fingerprint(task, info),
            options=task.options,
            threads=threads,
            stopwatch=task.stopwatch,
            audio_s=_stretch_s(task, audio),
            finished_at=self.now(),
        )
        described = receipts.describe_audio(task.ref, info, audio, heard.channel)
        draft = receipts.write_transcript(
            heard, task.options, described, receipts.write_receipt(who, self.engine.identity, work)
        )
        outputs = Outputs(self.store, task.outputs.prefix, name)
        with task.stopwatch("write"):
            outputs.prepare(draft, task.options.formats)
        final = receipts.close_receipt(draft, work)
        with task.stopwatch("write"):
            outputs.commit(final)

    def _report(self, fetched: Fetched, failure: Skip, who: Circumstances) -> None:
        ref = fetched.task.ref
        described = receipts.describe_audio(ref, fetched.info, fetched.audio, ref.channel)
        with fetched.task.stopwatch("write"):
            fetched.task.outputs.write_error(
                receipts.write_error(failure, who, described, self.now())
            )

    def _event(
        self,
        shard: Shard,
        fetched: Fetched,
        outcome: Outcome,
        *,
        heard: Heard | None = None,
        threads: int | None = None,
        error: str | None = None,
    ) -> FileFinished:
        task = fetched.task
        silent = heard is not None and heard.speech_ms > 0 and not heard.segments
        return FileFinished(
            shard=shard.shard,
            job=shard.job,
            audio=task.ref.audio,
            index=task.ref.index,
            outcome=outcome,
            audio_s=_stretch_s(task, fetched.audio) if fetched.audio and not error else 0.0,
            seconds=task.stopwatch.total_s,
            stages_s=dict(task.stopwatch.seconds),
            threads=self.engine.hold_threads() if threads is None else threads,
            error=error,
            warnings=("speech_without_text",) if silent else (),
        )


def _stretch_s(task: Task, audio: Audio) -> float:
    """Seconds of audio that the reference asks for, within the file."""
    end_ms = min(task.ref.end_ms or audio.duration_ms, audio.duration_ms)
    return max(0, end_ms - (task.ref.start_ms or 0)) / 1000
