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
from worker.failures import Skip, decide
from worker.fetching import Fetched, Fetcher, Task
from worker.receipts import Circumstances
from worker.results import Outputs
from worker.transcribing import Heard

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

    def run(self, shard: Shard, who: Circumstances, record: Record) -> None:
        """Give every file of the shard its outcome.

        Raises:
            Exception: whatever worker.failures.decide does not answer with Skip; the files
                before it are committed.
        """
        for fetched in self._fetcher.fetch_ahead(shard):
            finished = self._finish(shard, fetched, who)
            record(fetched.task.ref, finished.outcome, round(finished.audio_s * 1000))
            self.observe(finished)

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
            heard = self._transcribe(fetched, who)
        except Exception as error:
            decision = decide(error, who.attempt, who.max_attempts)
            if not isinstance(decision, Skip):
                raise
            self._report(fetched, decision, who)
            return self._event(shard, fetched, "failed", error=decision.message)
        return self._event(shard, fetched, "ok" if heard.segments else "empty", heard=heard)

    def _transcribe(self, fetched: Fetched, who: Circumstances) -> Heard:
        task, audio = fetched.task, fetched.audio
        assert audio  # noqa: S101 - Fetched holds one of audio, done and error
        channels = transcribing.transcribe(
            self.engine, audio, task.ref, task.options, task.stopwatch
        )
        for heard in channels if len(channels) > 1 else ():
            self._commit(fetched, heard, audio, who, f"{task.ref.relative}.ch{heard.channel}")
        merged = transcribing.merge_channels(channels)
        self._commit(fetched, merged, audio, who, task.ref.relative)
        return merged

    def _commit(
        self, fetched: Fetched, heard: Heard, audio: Audio, who: Circumstances, name: str
    ) -> None:
        task = fetched.task
        assert fetched.info  # noqa: S101 - audio was decoded from it
        work = receipts.Work(
            fingerprint=self._fetcher.fingerprint(task, fetched.info),
            options=task.options,
            threads=self.engine.hold_threads(),
            stopwatch=task.stopwatch,
            audio_s=_stretch_s(task, audio),
            finished_at=self.now(),
        )
        receipt = receipts.write_receipt(who, self.engine.identity, work)
        described = receipts.describe_audio(task.ref, fetched.info, audio, heard.channel)
        transcript = receipts.write_transcript(heard, task.options, described, receipt)
        outputs = Outputs(self.store, task.outputs.prefix, name)
        with task.stopwatch("write"):
            outputs.write(transcript, task.options.formats)
            outputs.clear_error()

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
            threads=self.engine.hold_threads(),
            error=error,
            warnings=("speech_without_text",) if silent else (),
        )


def _stretch_s(task: Task, audio: Audio) -> float:
    """Seconds of audio that the reference asks for, within the file."""
    end_ms = min(task.ref.end_ms or audio.duration_ms, audio.duration_ms)
    return max(0, end_ms - (task.ref.start_ms or 0)) / 1000
