"""Words + circumstances -> the documents that users read. No clock and no store in here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from contract.audio_address import shown
from contract.job import AudioRef, Options
from contract.store import ObjectInfo
from contract.transcript import (
    AudioInfo,
    ErrorReport,
    FailureDetail,
    Receipt,
    Segment,
    Transcript,
)
from worker.engine.interface import Identity
from worker.failures import Skip
from worker.hearing import Heard
from worker.planning.assembly import whole_text
from worker.planning.words import guess_language
from worker.stopwatch import Stopwatch
from worker.stretches import AudioFacts


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Who works on a shard, and for the how-manieth time."""

    job: str | None
    attempt: int
    """1 for the first time that the message was begun."""
    retries: int
    """How often it was put back because of something that may pass."""
    worker: str
    slot: int


def describe_audio(
    ref: AudioRef, info: ObjectInfo | None, facts: AudioFacts | None, channel: int | None
) -> AudioInfo:
    """What is known of the audio; the stretch is given in full once its length is known."""
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
        lost_ms=facts.lost_ms or None if facts else None,
    )


def _earlier(one_ms: int | None, other_ms: int | None) -> int | None:
    return min((ms for ms in (one_ms, other_ms) if ms is not None), default=None)


def write_transcript(
    heard: Heard, options: Options, audio: AudioInfo, receipt: Receipt
) -> Transcript:
    """The .json document of one stretch."""
    text = whole_text(heard.segments)
    return Transcript(
        audio=audio,
        language=options.language or spoken_language(heard.segments) or guess_language(text),
        text=text,
        segments=heard.segments,
        warnings=heard.warnings,
        receipt=receipt.model_copy(update={"speech_ms": heard.speech_ms}),
    )


def spoken_language(segments: Sequence[Segment]) -> str | None:
    """What the model heard for most of the text; None where it does not say."""
    lengths: Counter[str] = Counter()
    for segment in segments:
        if segment.language:
            lengths[segment.language] += len(segment.text)
    return max(lengths, key=lengths.__getitem__, default=None)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What was done for one result."""

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


def write_receipt(who: Circumstances, engine: Identity, work: Work) -> Receipt:
    """How a transcript came about."""
    return Receipt(
        job=who.job,
        fingerprint=work.fingerprint,
        model=engine.model,
        model_revision=engine.model_revision,
        funasr=engine.funasr,
        torch=engine.torch,
        device=engine.device,
        precision=engine.precision,
        torch_threads=work.threads,
        options=work.options.model_dump(mode="json", exclude={"hotwords"}),
        attempt=who.attempt,
        worker=who.worker,
        slot=who.slot,
        speech_ms=0,
        stages_ms=work.stopwatch.milliseconds(),
        rtfx=work.rtfx,
        finished_at=work.finished_at,
    )


def close_receipt(draft: Transcript, work: Work) -> Transcript:
    """The transcript with the times as they are now; only writing the .json itself is to come."""
    times = {"stages_ms": work.stopwatch.milliseconds(), "rtfx": work.rtfx}
    return draft.model_copy(update={"receipt": draft.receipt.model_copy(update=times)})


def write_error(failure: Skip, who: Circumstances, audio: AudioInfo, at: str) -> ErrorReport:
    """The .error.json document."""
    return ErrorReport(
        audio=audio,
        error=FailureDetail(
            kind=failure.kind,
            message=failure.message,
            attempts=who.attempt,
            worker=who.worker,
            at=at,
        ),
    )
