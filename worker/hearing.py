"""What was said in one file, as it comes to be known clip by clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from contract.abilities import WORD_FORMATS
from contract.job import AudioRef, Options
from contract.transcript import Segment, WarningKind
from worker.engine.interface import Clip, Hints, Voice
from worker.fetching import Incoming
from worker.planning.assembly import Recognition, assemble_segments
from worker.planning.quality import warnings_of
from worker.planning.sentences import split_sentences
from worker.planning.spans import Span
from worker.planning.speakers import split_turns, turns

TellApart = Callable[[Sequence[Voice], int | None, Sequence[float]], list[list[str]]]
"""See Engine.tell_apart."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was said in one stretch of one channel, or of the mix."""

    channel: int | None
    segments: tuple[Segment, ...]
    speech_ms: int
    """Length of all speech spans together."""
    warnings: tuple[WarningKind, ...] = ()
    """What makes it doubtful."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said in one span."""

    span: Span
    recognition: Recognition
    voice: Voice | None = None


@dataclass(eq=False)
class Hearing:
    """One file while its clips are recognised."""

    incoming: Incoming
    channels: dict[int | None, list[Said]] = field(default_factory=dict)
    """What was said in each channel, in no order."""
    error: Exception | None = None
    """What kept the file from being heard; the first such."""

    def fail(self, error: Exception) -> None:
        """Keep why the file cannot be heard, but not what its traceback holds: the audio."""
        error.__cause__ = error.__context__ = None
        self.error = self.error or error.with_traceback(None)

    @property
    def ref(self) -> AudioRef:
        """What is heard."""
        return self.incoming.task.ref

    @property
    def options(self) -> Options:
        """How it is to be heard."""
        return self.incoming.task.options

    @property
    def hints(self) -> Hints:
        """What its options tell the recogniser."""
        asked = self.options
        return Hints(
            language=asked.language,
            hotwords=asked.hotwords,
            itn=asked.itn,
            word_times=wants_words(asked),
        )

    def assemble(self, tell_apart: TellApart) -> list[Heard]:
        """One result per channel."""
        heard = (
            _assemble(channel, said, self.ref, self.options, tell_apart)
            for channel, said in self.channels.items()
        )
        facts = self.incoming.facts
        if not facts or not facts.lost_ms:
            return list(heard)
        return [replace(one, warnings=_with(one.warnings, "audio_damaged")) for one in heard]


@dataclass(frozen=True, eq=False)
class Spoken:
    """A clip and the file it comes from."""

    hearing: Hearing
    channel: int | None
    clip: Clip


@dataclass(frozen=True, eq=False)
class Ended:
    """All clips of a file have come, or as many as could be had."""

    hearing: Hearing


TIMED_FORMATS = WORD_FORMATS | {"srt", "vtt", "textgrid", "aws-transcribe"}
"""Formats that are better where each word has its time."""


def wants_words(options: Options) -> bool:
    """Whether the time of each word is of use, if only to cut segments and subtitles by."""
    return (
        options.timestamps == "word"
        or options.segments == "sentence"
        or options.speakers
        or not TIMED_FORMATS.isdisjoint(options.formats)
    )


def _assemble(
    channel: int | None,
    said: Sequence[Said],
    ref: AudioRef,
    options: Options,
    tell_apart: TellApart,
) -> Heard:
    in_order = sorted(said, key=lambda one: one.span)
    spoken = [one for one in in_order if one.recognition.text.strip()]
    offset_ms = ref.start_ms or 0
    segments = assemble_segments(
        [one.span for one in in_order],
        [one.recognition for one in in_order],
        offset_ms=offset_ms,
        with_words=wants_words(options),
    )
    if options.speakers:
        segments = _with_speakers(segments, spoken, options, tell_apart)
    if options.segments == "sentence":
        segments = tuple(one for segment in segments for one in split_sentences(segment))
    speech = [one.span for one in in_order]
    return Heard(
        channel=channel,
        segments=segments,
        speech_ms=sum(span.length_ms for span in speech),
        warnings=warnings_of(segments, speech, offset_ms=offset_ms),
    )


def _with(warnings: Sequence[WarningKind], another: WarningKind) -> tuple[WarningKind, ...]:
    """All of them in alphabetical order."""
    return tuple(sorted({*warnings, another}))


def _with_speakers(
    segments: Sequence[Segment], spoken: Sequence[Said], options: Options, tell_apart: TellApart
) -> tuple[Segment, ...]:
    """The same, cut where somebody else goes on; one segment per span in which text was heard."""
    voices = [one.voice for one in spoken if one.voice is not None]
    seconds = [one.span.length_ms / 1000 for one in spoken]
    labels = tell_apart(voices, options.speaker_count, seconds)
    return tuple(
        named
        for segment, windows in zip(segments, labels, strict=True)
        for named in split_turns(segment, turns(Span(segment.start_ms, segment.end_ms), windows))
    )


def merge_channels(heard: Sequence[Heard]) -> Heard:
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
        warnings=tuple(sorted({kind for one in heard for kind in one.warnings})),
    )
