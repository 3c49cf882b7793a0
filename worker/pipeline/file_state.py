"""The results of one file, collected clip by clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from funasr_fleet.contract.abilities import WORD_FORMATS
from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.transcript import LeftOut, Segment, WarningKind
from funasr_fleet.worker.engine.interface import Clip, Hints, SpeakerEmbeddings
from funasr_fleet.worker.pipeline.fetch import FetchedFile
from funasr_fleet.worker.text.quality import warnings_of
from funasr_fleet.worker.text.segments import Recognition, assemble_segments
from funasr_fleet.worker.text.sentences import split_sentences
from funasr_fleet.worker.text.spans import Span
from funasr_fleet.worker.text.speakers import split_turns, turns

ClusterSpeakers = Callable[
    [Sequence[SpeakerEmbeddings], int | None, Sequence[float]], list[list[str]]
]
"""Labels the windows of each clip of one recording, as Engine.cluster_speakers does."""


@dataclass(frozen=True, kw_only=True)
class ChannelResult:
    """The transcript of one channel, or of the mix, within the requested range."""

    channel: int | None
    segments: tuple[Segment, ...]
    speech_ms: int
    """Total length of the speech spans."""
    warnings: tuple[WarningKind, ...] = ()
    """Signs that the transcript is suspect."""
    left_out: tuple[LeftOut, ...] = ()
    """Texts that were removed because there is no speech, in order of time."""


@dataclass(frozen=True, kw_only=True)
class ClipResult:
    """The result of one clip."""

    span: Span
    recognition: Recognition
    embeddings: SpeakerEmbeddings | None = None


@dataclass(eq=False)
class FileInProgress:
    """One file while its clips are detected and recognised."""

    fetched: FetchedFile
    channels: dict[int | None, list[ClipResult]] = field(default_factory=dict)
    """Results per channel, unordered."""
    error: Exception | None = None
    """The first error of the file."""

    def fail(self, error: Exception) -> None:
        """Store the first error, without its traceback, which would keep the audio in memory."""
        error.__cause__ = error.__context__ = None
        self.error = self.error or error.with_traceback(None)

    @property
    def recognised_ms(self) -> int:
        """Length of the audio from its start to the end of the last clip recognised so far."""
        ends = (one.span.end_ms for clips in self.channels.values() for one in clips)
        return max(ends, default=0)

    @property
    def ref(self) -> AudioRef:
        """The file's entry in the shard: its address, index, requested range and options."""
        return self.fetched.file_job.ref

    @property
    def options(self) -> Options:
        """The shard's options, overridden by those of the file."""
        return self.fetched.file_job.options

    @property
    def hints(self) -> Hints:
        """The recogniser's hints, from the options of the file."""
        options = self.options
        return Hints(
            language=options.language,
            hotwords=options.hotwords,
            itn=options.itn,
            word_times=wants_words(options),
        )

    def assemble(self, cluster_speakers: ClusterSpeakers) -> list[ChannelResult]:
        """Build one result per channel from the results of its clips."""
        results = [
            _assemble(channel, clips, self.ref, self.options, cluster_speakers)
            for channel, clips in self.channels.items()
        ]
        facts = self.fetched.facts
        of_file = set(facts.warnings if facts else ())
        if self.fetched.file_job.language_ignored:
            of_file.add("language_ignored")
        if self.fetched.info and self.fetched.info.is_unverified:
            of_file.add("source_unverified")
        return [replace(one, warnings=tuple(sorted({*one.warnings, *of_file}))) for one in results]


@dataclass(frozen=True, eq=False)
class ClipOfFile:
    """A clip, and the file and channel it belongs to."""

    file: FileInProgress
    channel: int | None
    clip: Clip


@dataclass(frozen=True, eq=False)
class EndOfFile:
    """Marks the end of a file's clips; a file that failed may have sent only some of them."""

    file: FileInProgress


TIMED_FORMATS = WORD_FORMATS | {"srt", "vtt", "textgrid", "aws-transcribe"}
"""Formats that are more accurate with word timestamps."""


def wants_words(options: Options) -> bool:
    """Whether word timestamps are needed: in the output, or to cut segments and subtitles."""
    return (
        options.timestamps == "word"
        or options.segments == "sentence"
        or options.speakers
        or not TIMED_FORMATS.isdisjoint(options.formats)
    )


def _assemble(
    channel: int | None,
    clips: Sequence[ClipResult],
    ref: AudioRef,
    options: Options,
    cluster_speakers: ClusterSpeakers,
) -> ChannelResult:
    in_order = sorted(clips, key=lambda one: one.span)
    with_text = [one for one in in_order if one.recognition.text.strip()]
    offset_ms = ref.start_ms or 0
    segments = assemble_segments(
        [one.span for one in in_order],
        [one.recognition for one in in_order],
        offset_ms=offset_ms,
        with_words=wants_words(options),
    )
    if options.speakers:
        segments = _with_speakers(segments, with_text, options, cluster_speakers)
    if options.segments == "sentence":
        segments = tuple(one for segment in segments for one in split_sentences(segment))
    speech = [one.span for one in in_order]
    warnings = warnings_of(segments, speech, offset_ms=offset_ms)
    if any(one.recognition.probably_no_speech for one in in_order):
        warnings = (*warnings, "probably_no_speech")
    return ChannelResult(
        channel=channel,
        segments=segments,
        speech_ms=sum(span.length_ms for span in speech),
        warnings=warnings,
        left_out=tuple(
            LeftOut(
                start_ms=one.span.start_ms + offset_ms,
                end_ms=one.span.end_ms + offset_ms,
                text=one.recognition.left_out,
            )
            for one in in_order
            if one.recognition.left_out
        ),
    )


def _with_speakers(
    segments: Sequence[Segment],
    clips: Sequence[ClipResult],
    options: Options,
    cluster_speakers: ClusterSpeakers,
) -> tuple[Segment, ...]:
    """Label segments with speakers and cut them at speaker changes.

    Args:
        segments: one per clip.
        clips: the clips with text.
        options: the options of the file.
        cluster_speakers: see Engine.cluster_speakers.
    """
    embeddings = [one.embeddings for one in clips if one.embeddings is not None]
    seconds = [one.span.length_ms / 1000 for one in clips]
    labels = cluster_speakers(embeddings, options.speaker_count, seconds)
    return tuple(
        part
        for segment, windows in zip(segments, labels, strict=True)
        for part in split_turns(segment, turns(Span(segment.start_ms, segment.end_ms), windows))
    )


def merge_channels(results: Sequence[ChannelResult]) -> ChannelResult:
    """Merge all channels into one result in order of time; the channel becomes the speaker."""
    segments = [
        segment.model_copy(update={"speaker": f"ch{one.channel}"})
        for one in results
        for segment in one.segments
    ]
    return ChannelResult(
        channel=None,
        segments=tuple(sorted(segments, key=lambda segment: (segment.start_ms, segment.end_ms))),
        speech_ms=sum(one.speech_ms for one in results),
        warnings=tuple(sorted({kind for one in results for kind in one.warnings})),
        left_out=tuple(
            sorted(
                (text for one in results for text in one.left_out),
                key=lambda text: (text.start_ms, text.end_ms),
            )
        ),
    )
