"""Builds the documents of a file (transcript, receipt, error) and writes its outputs.

ResultWriter is called in background threads while the GPU works.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from funasr_fleet.contract.audio_address import shown
from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.transcript import (
    AudioInfo,
    ErrorReport,
    FailureDetail,
    Receipt,
    Segment,
    Transcript,
)
from funasr_fleet.storage.base import ObjectInfo
from funasr_fleet.worker.audio.decoding.selection import AudioFacts, Selection
from funasr_fleet.worker.engine.interface import Identity
from funasr_fleet.worker.error_handling import Skip
from funasr_fleet.worker.pipeline.fetch import FileJob
from funasr_fleet.worker.pipeline.file_state import ChannelResult, FileInProgress, merge_channels
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.timers import Stopwatch
from funasr_fleet.worker.text.segments import whole_text
from funasr_fleet.worker.text.tokens import guess_language


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """The worker that processes a shard, and its attempt and retry counts."""

    job: str | None
    attempt: int
    """1 for the first time that the message is started."""
    retries: int
    """How often the message was retried after a temporary error."""
    worker: str
    slot: int


def describe_audio(
    ref: AudioRef, info: ObjectInfo | None, facts: AudioFacts | None, channel: int | None
) -> AudioInfo:
    """The audio section of a document; `end_ms` is the earlier of requested end and duration."""
    duration_ms = facts.duration_ms if facts else None
    return AudioInfo(
        uri=shown(ref.audio),
        etag=info.etag if info else ref.etag,
        duration_ms=duration_ms,
        sample_rate=facts.source_rate if facts else None,
        channels=facts.channels if facts else None,
        channel=channel,
        start_ms=ref.start_ms or 0,
        end_ms=_earlier(ref.end_ms, duration_ms),
        lost_ms=facts.lost_ms if facts else None,
        repaired=facts.repaired if facts else None,
        track=facts.track if facts else None,
    )


def _earlier(one_ms: int | None, other_ms: int | None) -> int | None:
    return min((ms for ms in (one_ms, other_ms) if ms is not None), default=None)


def write_transcript(
    result: ChannelResult, options: Options, audio: AudioInfo, receipt: Receipt
) -> Transcript:
    """The .json document of one channel, or of the mix."""
    text = whole_text(result.segments)
    told = None if "language_ignored" in result.warnings else options.language
    return Transcript(
        audio=audio,
        language=told or spoken_language(result.segments) or guess_language(text),
        text=text,
        segments=result.segments,
        warnings=result.warnings,
        left_out=result.left_out,
        receipt=receipt.model_copy(update={"speech_ms": result.speech_ms}),
    )


def spoken_language(segments: Sequence[Segment]) -> str | None:
    """The language of most of the text, as the model reports it; None if it reports none."""
    lengths: Counter[str] = Counter()
    for segment in segments:
        if segment.language:
            lengths[segment.language] += len(segment.text)
    return max(lengths, key=lengths.__getitem__, default=None)


@dataclass(frozen=True, kw_only=True)
class FileMetrics:
    """Measurements of one file, for its receipt."""

    fingerprint: str
    options: Options
    threads: int
    stopwatch: Stopwatch
    audio_s: float
    finished_at: str

    @property
    def rtfx(self) -> float:
        """Audio seconds per second of all stages together."""
        return round(self.audio_s / self.stopwatch.total_s, 1) if self.stopwatch.total_s else 0.0


def write_receipt(run: RunContext, engine: Identity, metrics: FileMetrics) -> Receipt:
    """The receipt of a transcript: how, where and with what it was made."""
    return Receipt(
        job=run.job,
        fingerprint=metrics.fingerprint,
        model=engine.model,
        model_revision=engine.model_revision,
        funasr=engine.funasr,
        torch=engine.torch,
        device=engine.device,
        precision=engine.precision,
        torch_threads=metrics.threads,
        options=metrics.options.model_dump(mode="json", exclude={"hotwords"}),
        attempt=run.attempt,
        worker=run.worker,
        slot=run.slot,
        speech_ms=0,
        stages_ms=metrics.stopwatch.milliseconds(),
        rtfx=metrics.rtfx,
        finished_at=metrics.finished_at,
    )


def with_final_timings(draft: Transcript, metrics: FileMetrics) -> Transcript:
    """Update the stage times and RTFx; only the write of the .json itself is not included."""
    times = {"stages_ms": metrics.stopwatch.milliseconds(), "rtfx": metrics.rtfx}
    return draft.model_copy(update={"receipt": draft.receipt.model_copy(update=times)})


def write_error(failure: Skip, run: RunContext, audio: AudioInfo, at: str) -> ErrorReport:
    """The .error.json document."""
    return ErrorReport(
        job=run.job,
        audio=audio,
        error=FailureDetail(
            kind=failure.kind,
            message=failure.message,
            attempts=run.attempt,
            worker=run.worker,
            at=at,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class ResultWriter:
    """Writes the results of one shard."""

    engine: Identity
    run: RunContext
    now: Callable[[], str]

    def commit(
        self,
        file: FileInProgress,
        channels: Sequence[ChannelResult],
        fingerprint: str,
        threads: int,
    ) -> tuple[ChannelResult, str]:
        """Write the results of one file: one per split channel first, the whole file's last.

        Returns the whole file's result, and the ETag of its .json.
        """
        fetched, file_job = file.fetched, file.fetched.file_job
        assert fetched.facts  # noqa: S101 - it was decoded to its end
        metrics = FileMetrics(
            fingerprint=fingerprint,
            options=file_job.options,
            threads=threads,
            stopwatch=file_job.stopwatch,
            audio_s=range_s(file_job, fetched.facts),
            finished_at=self.now(),
        )
        if not Selection.of(file_job.ref, file_job.options).split:
            (result,) = channels
        else:
            for one in channels:
                self._write(file, one, f"{file_job.ref.relative}.ch{one.channel}", metrics)
            result = merge_channels(channels)
        return result, self._write(file, result, file_job.ref.relative, metrics)

    def _write(
        self, file: FileInProgress, result: ChannelResult, name: str, metrics: FileMetrics
    ) -> str:
        fetched, file_job = file.fetched, file.fetched.file_job
        described = describe_audio(file_job.ref, fetched.info, fetched.facts, result.channel)
        receipt = write_receipt(self.run, self.engine, metrics)
        draft = write_transcript(result, file_job.options, described, receipt)
        outputs = Outputs(file_job.outputs.store, file_job.outputs.prefix, name)
        with file_job.stopwatch("write"):
            outputs.prepare(draft, file_job.options.formats)
        final = with_final_timings(draft, metrics)
        with file_job.stopwatch("write"):
            return outputs.commit(final)

    def report(self, file: FileInProgress, failure: Skip) -> None:
        """Write the .error.json of a file that failed permanently."""
        fetched, file_job = file.fetched, file.fetched.file_job
        described = describe_audio(file_job.ref, fetched.info, fetched.facts, file_job.ref.channel)
        report = write_error(failure, self.run, described, self.now())
        with file_job.stopwatch("write"):
            file_job.outputs.write_error(report)


def range_s(file_job: FileJob, facts: AudioFacts) -> float:
    """Seconds of audio in the requested range, within the file."""
    end_ms = min(file_job.ref.end_ms or facts.duration_ms, facts.duration_ms)
    return max(0, end_ms - (file_job.ref.start_ms or 0)) / 1000
