"""What was said in one file, as it comes to be known clip by clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contract.job import AudioRef, Options
from contract.transcript import Segment
from worker.engine.interface import Clip, Hints, Voice
from worker.fetching import Incoming
from worker.planning.assembly import Recognition, assemble_segments
from worker.planning.spans import Span

TellApart = Callable[[Sequence[Voice]], list[str]]
"""Voices of one recording -> a label for each."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was said in one stretch of one channel, or of the mix."""

    channel: int | None
    segments: tuple[Segment, ...]
    speech_ms: int
    """Length of all speech spans together."""


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
        return Hints(language=self.options.language, hotwords=self.options.hotwords)

    def assemble(self, tell_apart: TellApart) -> list[Heard]:
        """One result per channel."""
        return [
            _assemble(channel, said, self.ref, self.options, tell_apart)
            for channel, said in self.channels.items()
        ]


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


def _assemble(
    channel: int | None,
    said: Sequence[Said],
    ref: AudioRef,
    options: Options,
    tell_apart: TellApart,
) -> Heard:
    voices = [one.voice for one in said if one.voice is not None]
    segments = assemble_segments(
        [one.span for one in said],
        [one.recognition for one in said],
        offset_ms=ref.start_ms or 0,
        with_words=options.timestamps == "word",
        speakers=tell_apart(voices) if options.speakers else None,
    )
    speech_ms = sum(one.span.length_ms for one in said)
    return Heard(channel=channel, segments=segments, speech_ms=speech_ms)


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
    )
