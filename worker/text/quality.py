"""Quality flags of a text, from its length and its repetitions.

Flags do not change a result. They mark results that a person should check.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from funasr_fleet.contract.transcript import Segment, WarningKind
from funasr_fleet.worker.text.repetition import is_loop
from funasr_fleet.worker.text.spans import Span
from funasr_fleet.worker.text.speech_rate import has_letters, is_short_enough, is_too_little
from funasr_fleet.worker.text.tokens import join_texts

NOTEWORTHY_S = 1.0
"""Shorter speech without text is not flagged: it is coughs, clicks and similar sounds."""
MISSING_MS = 30_000
MISSING_SHARE = 0.1
"""text_ends_early: minimum speech after the last text, in ms and as a share of all speech."""


def quality_flags(text: str, seconds: float) -> frozenset[WarningKind]:
    """Quality flags of the text of one range of speech.

    speech_without_text: no text in more than a second of detected speech. implausible_rate: more
    text than can be spoken in that time, or almost none in a long range. repeated_phrase: mostly
    one phrase repeated, a typical failure of autoregressive models.

    Args:
        text: the recognised text.
        seconds: length of the speech.
    """
    if not has_letters(text):
        return frozenset({"speech_without_text"} if seconds > NOTEWORTHY_S else ())
    flags: set[WarningKind] = set()
    if not is_short_enough(text, seconds) or is_too_little(text, seconds):
        flags.add("implausible_rate")
    if is_loop(text):
        flags.add("repeated_phrase")
    return frozenset(flags)


def warnings_of(
    segments: Sequence[Segment], speech: Sequence[Span], *, offset_ms: int = 0
) -> tuple[WarningKind, ...]:
    """Quality warnings of a whole file, in alphabetical order.

    speech_without_text applies only to a file without any text: a single range without text is
    common. text_ends_early: more than 30 s of speech, and more than a tenth of all speech, follow
    the last text; silence does not count.

    Args:
        segments: the recognised segments, in the file's times.
        speech: the detected speech, in order.
        offset_ms: position of the first sample of `speech` in the file.
    """
    if not speech:
        return ()
    if not any(has_letters(segment.text) for segment in segments):
        return ("speech_without_text",)
    flags = {flag for one in _texts(segments, speech, offset_ms) for flag in quality_flags(*one)}
    flags.discard("speech_without_text")
    if _ends_early(segments, speech, offset_ms):
        flags.add("text_ends_early")
    return tuple(sorted(flags))


def _texts(
    segments: Sequence[Segment], speech: Sequence[Span], offset_ms: int
) -> Iterable[tuple[str, float]]:
    """The text of each range of speech and its length in s; sentences of a range are joined."""
    starts = [span.start_ms + offset_ms for span in speech]
    texts_of_spans: list[list[str]] = [[] for _ in speech]
    for segment in segments:
        texts_of_spans[max(0, bisect_right(starts, segment.start_ms) - 1)].append(segment.text)
    for texts, span in zip(texts_of_spans, speech, strict=True):
        yield join_texts(texts), span.length_ms / 1000


def _ends_early(segments: Sequence[Segment], speech: Sequence[Span], offset_ms: int) -> bool:
    """Whether much speech follows the last text."""
    ended_ms = max(one.words[-1].end_ms if one.words else one.end_ms for one in segments)
    ended_ms -= offset_ms
    missing_ms = sum(max(0, span.end_ms - max(span.start_ms, ended_ms)) for span in speech)
    return missing_ms > max(MISSING_MS, MISSING_SHARE * sum(span.length_ms for span in speech))
