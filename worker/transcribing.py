"""Decoded audio of one file -> what was said in it."""

from dataclasses import dataclass

from contract.job import AudioRef, Options
from contract.transcript import Segment
from worker.decoding import MIN_SAMPLES, Audio
from worker.engine.interface import Engine, Hints, Samples, Sound
from worker.failures import AudioTooShort
from worker.planning.assembly import Recognition, assemble_segments
from worker.planning.spans import SAMPLES_PER_MS, Span
from worker.stopwatch import Stopwatch


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was said in one stretch of one channel, or of the mix."""

    channel: int | None
    segments: tuple[Segment, ...]
    speech_ms: int
    """Length of all speech spans together."""


def is_split(ref: AudioRef, options: Options) -> bool:
    """Whether every channel gets a transcript of its own."""
    return ref.channel is None and options.channels == "split"


def channels_of(audio: Audio, ref: AudioRef, options: Options) -> list[int | None]:
    """Which channels are transcribed, each by itself; None is the mix."""
    return list(range(audio.channels)) if is_split(ref, options) else [ref.channel]


def cut_stretch(audio: Audio, ref: AudioRef, channel: int | None) -> Samples:
    """The samples that the reference asks for.

    Raises:
        AudioTooShort: when start_ms lies behind the end of the audio, or nearly so.
    """
    end = None if ref.end_ms is None else ref.end_ms * SAMPLES_PER_MS
    samples = audio.samples(channel)[(ref.start_ms or 0) * SAMPLES_PER_MS : end]
    if len(samples) < MIN_SAMPLES:
        raise AudioTooShort(
            f"nothing to hear from {ref.start_ms} ms on: the audio ends at {audio.duration_ms} ms"
        )
    return samples


def transcribe(
    engine: Engine, audio: Audio, ref: AudioRef, options: Options, stopwatch: Stopwatch
) -> list[Heard]:
    """Find speech, recognise it, assemble it: one result per channel asked for."""
    return [
        _transcribe_channel(
            engine, cut_stretch(audio, ref, channel), channel, ref, options, stopwatch
        )
        for channel in channels_of(audio, ref, options)
    ]


def _transcribe_channel(
    engine: Engine,
    samples: Samples,
    channel: int | None,
    ref: AudioRef,
    options: Options,
    stopwatch: Stopwatch,
) -> Heard:
    with stopwatch("vad"):
        sound = Sound(samples)
        spans = engine.find_speech(sound)
    clips = [sound.clip(span) for span in spans]
    with stopwatch("recognise"):
        heard = engine.recognise(clips, Hints(language=options.language, hotwords=options.hotwords))
        speakers = engine.tell_speakers(clips) if options.speakers else None
    with stopwatch("punctuate"):
        heard = _punctuate(engine, heard)
    segments = assemble_segments(
        spans,
        heard,
        offset_ms=ref.start_ms or 0,
        with_words=options.timestamps == "word",
        speakers=speakers,
    )
    return Heard(channel=channel, segments=segments, speech_ms=_speech_ms(spans))


def _punctuate(engine: Engine, heard: list[Recognition]) -> list[Recognition]:
    texts = engine.punctuate([one.text for one in heard])
    return [Recognition(text=text, words=one.words) for one, text in zip(heard, texts, strict=True)]


def _speech_ms(spans: list[Span]) -> int:
    return sum(span.length_ms for span in spans)


def merge_channels(heard: list[Heard]) -> Heard:
    """All channels as one, in order of time; the speaker of a segment is its channel."""
    segments = [
        segment.model_copy(update={"speaker": f"ch{one.channel}"})
        for one in heard
        for segment in one.segments
    ]
    return Heard(
        channel=None,
        segments=tuple(sorted(segments, key=lambda segment: (segment.start_ms, segment.end_ms))),
        speech_ms=sum(one.speech_ms for one in heard),
    )
