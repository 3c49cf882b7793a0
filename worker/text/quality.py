"""Quality flags of a text, from its length and its repetitions.

Flags do not change a result. They mark results that a person should check.

Repetitions are searched for directly. Whisper instead uses a zlib compression ratio above 2.4, but
the ratio depends on the length and vocabulary of the text: two minutes of digits read out reach 4.0
without a repetition, and "thanks for watching" in Chinese, four times, only 2.3.

For the amount of text that is plausible in a time, a Han character, kana or Hangul syllable counts
as a syllable; letters of other scripts are counted separately. Digits vary: a single digit read out
is a word, but four digits in a sum of money are hardly longer than one. Sources:

- Coupé, Oh, Dediu and Pellegrino, "Different languages, similar encoding efficiency", Science
  Advances 5 (2019), eaaw2594: reading aloud, 4 to 9 syllables per second in 17 languages.
- Pellegrino, Coupé and Marsico, "A cross-language perspective on speech information rate",
  Language 87 (2011): on average 5.2 syllables per second in Mandarin, 6.2 in English, 7.8 in
  Japanese.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import eq

from funasr_fleet.contract.transcript import Segment, WarningKind
from funasr_fleet.worker.text.spans import Span
from funasr_fleet.worker.text.tokens import join_texts, split_words

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


LOW_CONFIDENCE = math.exp(-1)
"""A mean log probability of -1 per token; openai-whisper regards a text below it as failed."""
LOW_CONFIDENCE_SHARE = 0.1
"""low_confidence: the share of the text's time with a lower confidence must exceed this."""


def is_uncertain(segments: Sequence[Segment]) -> bool:
    """Whether more than a tenth of the text, by time, has a low confidence."""
    low_ms = sum(
        segment.end_ms - segment.start_ms
        for segment in segments
        if segment.confidence is not None and segment.confidence < LOW_CONFIDENCE
    )
    return low_ms > LOW_CONFIDENCE_SHARE * sum(one.end_ms - one.start_ms for one in segments)


def warnings_of(
    segments: Sequence[Segment], speech: Sequence[Span], *, offset_ms: int = 0
) -> tuple[WarningKind, ...]:
    """Quality warnings of a whole file, in alphabetical order.

    speech_without_text applies only to a file without any text: a single range without text is
    common. text_ends_early: more than 30 s of speech, and more than a tenth of all speech, follow
    the last text; silence does not count. low_confidence: more than a tenth of the text has a
    confidence below 0.37.

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
    if is_uncertain(segments):
        flags.add("low_confidence")
    return tuple(sorted(flags))


def _texts(
    segments: Sequence[Segment], speech: Sequence[Span], offset_ms: int
) -> Iterable[tuple[str, float]]:
    """For each range of speech: its joined sentences, and the length of the range in s."""
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


LONGEST_PHRASE = 20
"""Maximum length of the repeated phrase, in words, or in Han or kana characters."""
MIN_TIMES = 4
"""Minimum number of repetitions; announcements and choruses are repeated three times in a row."""
MIN_WORDS = 16
"""Minimum number of words in all repetitions; a laugh, "no no no" or a number may repeat one word
fifteen times."""
LOOP_SHARE = 0.5
"""The loop must contain more than this share of the words."""
_LONGEST_WORD = 40
"""Maximum letters of a word; a longer one is a loop, or a script without spaces."""
_MARKS = re.compile(r"[\W_]+")


def is_loop(text: str) -> bool:
    """Whether a text is mostly one phrase of up to 20 words, at least four times in a row."""
    words = _words(text)
    return any(
        _longest_loop(words, length) > LOOP_SHARE * len(words)
        for length in range(1, min(LONGEST_PHRASE, len(words) // MIN_TIMES) + 1)
    )


def _words(text: str) -> list[str]:
    """Words without case and punctuation; a string too long for a word is split into characters."""
    words = filter(None, (_MARKS.sub("", word) for word in split_words(text.casefold())))
    return [part for word in words for part in ([word] if len(word) <= _LONGEST_WORD else word)]


def _longest_loop(words: list[str], length: int) -> int:
    """Words in the longest run of repetitions of a phrase of this length; 0 if it is too short."""
    repeats = list(map(eq, words, words[length:]))
    min_words = max(MIN_WORDS, MIN_TIMES * length)
    if sum(repeats) + length < min_words:
        return 0
    run = max(sum(1 for _ in group) for repeated, group in groupby(repeats) if repeated) + length
    return run if run >= min_words else 0


MAX_SYLLABLES_PER_S = 15.0
"""Per second. Nearly twice the average of Japanese, and three times that of Mandarin."""
MAX_LETTERS_PER_S = 40.0
"""Per second, including digits. English has about 2.6 letters per syllable: 6.2 syllables are 16
letters."""
SLACK_S = 0.5
"""VAD may cut speech this much too short."""
MIN_SYLLABLES_PER_S = 1 / 3
"""Per second, including digits. Slower than dictating digits with pauses."""
MIN_LETTERS_PER_S = 1.0
"""Per second. A short word in three seconds."""
LONG_SPEECH_S = 10.0
"""Minimum length for the lower limit: in shorter speech, pauses and laughter dominate."""

_SYLLABLES = re.compile(
    "[\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)


def has_letters(text: str) -> bool:
    """Whether the text has a letter or digit; punctuation alone is not speech."""
    return any(map(str.isalnum, text))


def is_short_enough(text: str, seconds: float) -> bool:
    """Whether the text is short enough to be spoken in this time."""
    syllables, digits, letters = _count(text)
    least_s = syllables / MAX_SYLLABLES_PER_S + (digits + letters) / MAX_LETTERS_PER_S
    return least_s <= seconds + SLACK_S


def is_too_little(text: str, seconds: float) -> bool:
    """Whether the text is too short for this duration; always False below 10 s."""
    syllables, digits, letters = _count(text)
    most_s = (syllables + digits) / MIN_SYLLABLES_PER_S + letters / MIN_LETTERS_PER_S
    return seconds >= LONG_SPEECH_S and most_s < seconds


def _count(text: str) -> tuple[int, int, int]:
    """Numbers of syllables, digits and letters."""
    syllables = len(_SYLLABLES.findall(text))
    digits = sum(map(str.isdecimal, text))
    return syllables, digits, sum(map(str.isalnum, text)) - syllables - digits
