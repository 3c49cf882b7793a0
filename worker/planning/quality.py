"""What makes a text doubtful, seen from outside: by its length and by its repeating itself.

No kind of doubt changes a result; they say which results a person should look at.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from contract.transcript import Segment, WarningKind
from worker.planning.looping import is_loop
from worker.planning.pace import could_be_said, is_too_little, says_something
from worker.planning.spans import Span
from worker.planning.words import join_texts

NOTEWORTHY_S = 1.0
"""Shorter stretches without text are coughs, clicks and the like."""
UNHEARD_MS = 30_000
UNHEARD_SHARE = 0.1
"""What must be missing at the end of a file, in ms and of its speech."""


def doubts(text: str, seconds: float) -> frozenset[WarningKind]:
    """What is doubtful about the text of one stretch of speech.

    speech_without_text: nothing was recognised in more than a second of what a detector took for
    speech. implausible_rate: more than anybody says in that time, or next to nothing in a long
    one. repeated_phrase: mostly one phrase over and over, which is how a model that writes from
    its own words ends that has lost the sound.

    Args:
        text: what was recognised.
        seconds: length of the stretch.
    """
    if not says_something(text):
        return frozenset({"speech_without_text"} if seconds > NOTEWORTHY_S else ())
    found: set[WarningKind] = set()
    if not could_be_said(text, seconds) or is_too_little(text, seconds):
        found.add("implausible_rate")
    if is_loop(text):
        found.add("repeated_phrase")
    return frozenset(found)


def warnings_of(
    segments: Sequence[Segment], speech: Sequence[Span], *, offset_ms: int = 0
) -> tuple[WarningKind, ...]:
    """What is doubtful about a whole file, in alphabetical order.

    speech_without_text is said of a file in which there is no text at all: one stretch without
    words is common. text_ends_early: over 30 s of speech and over a tenth of all of it lie behind
    the last text; silence does not count.

    Args:
        segments: what was recognised, with the file's times.
        speech: what was found to be speech, in order.
        offset_ms: where the time of speech begins in the file.
    """
    if not speech:
        return ()
    if not any(says_something(segment.text) for segment in segments):
        return ("speech_without_text",)
    found = {doubt for one in _texts(segments, speech, offset_ms) for doubt in doubts(*one)}
    found.discard("speech_without_text")
    if _ends_early(segments, speech, offset_ms):
        found.add("text_ends_early")
    return tuple(sorted(found))


def _texts(
    segments: Sequence[Segment], speech: Sequence[Span], offset_ms: int
) -> Iterable[tuple[str, float]]:
    """The text of each stretch and its length in s; sentences of one stretch together."""
    starts = [span.start_ms + offset_ms for span in speech]
    said: list[list[str]] = [[] for _ in speech]
    for segment in segments:
        said[max(0, bisect_right(starts, segment.start_ms) - 1)].append(segment.text)
    for texts, span in zip(said, speech, strict=True):
        yield join_texts(texts), span.length_ms / 1000


def _ends_early(segments: Sequence[Segment], speech: Sequence[Span], offset_ms: int) -> bool:
    """Whether much speech lies behind the last text."""
    ended_ms = max(one.words[-1].end_ms if one.words else one.end_ms for one in segments)
    ended_ms -= offset_ms
    missing_ms = sum(max(0, span.end_ms - max(span.start_ms, ended_ms)) for span in speech)
    return missing_ms > max(UNHEARD_MS, UNHEARD_SHARE * sum(span.length_ms for span in speech))
