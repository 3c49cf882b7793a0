"""Cues can be read one at a time, and hold all that was said."""

from collections import Counter
from itertools import pairwise

from hypothesis import given

from contract.transcript import Transcript
from tests.unit.examples import a_segment, a_transcript, a_word
from tests.unit.worker.rendering.spoken import (
    check_lines,
    check_times,
    squeezed,
    transcripts,
    unhurried,
)
from worker.rendering.asked import audio_ms
from worker.rendering.cue_cutting import LEAST_MS, MOST_MS
from worker.rendering.cues import Cue, make_cues


def _texts(cues: list[Cue]) -> list[str]:
    return [line for cue in cues for line in cue.lines]


@given(transcripts())
@unhurried
def test_nothing_is_lost_or_moved(transcript: Transcript) -> None:
    said = squeezed(*(segment.text for segment in transcript.segments))
    assert squeezed(*_texts(make_cues(transcript))) == said


@given(transcripts(together=True, speakers=True))
@unhurried
def test_where_people_talk_at_once_nothing_is_lost_of_any(transcript: Transcript) -> None:
    cues = make_cues(transcript)
    for speaker in {segment.speaker for segment in transcript.segments}:
        own = [segment.text for segment in transcript.segments if segment.speaker == speaker]
        shown = _texts([cue for cue in cues if cue.speaker == speaker])
        assert Counter(squeezed(*shown)) == Counter(squeezed(*own))


@given(transcripts(together=True))
@unhurried
def test_cues_keep_the_limits_whatever_was_said(transcript: Transcript) -> None:
    cues = make_cues(transcript)
    check_times(cues, audio_ms(transcript))
    for cue in cues:
        check_lines(cue.lines)
        assert cue.end_ms - cue.start_ms <= MOST_MS


@given(transcripts(together=True))
@unhurried
def test_a_cue_is_short_only_where_there_is_no_room(transcript: Transcript) -> None:
    cues = make_cues(transcript)
    ends = [*(cue.start_ms for cue in cues), audio_ms(transcript)][1:]
    for cue, end_ms in zip(cues, ends, strict=True):
        assert cue.end_ms - cue.start_ms >= LEAST_MS or cue.end_ms == end_ms


@given(transcripts())
@unhurried
def test_what_is_said_alone_is_shown_while_it_is_said(transcript: Transcript) -> None:
    for cue, following in pairwise(make_cues(transcript)):
        inside = [one for one in transcript.segments if one.start_ms <= cue.start_ms <= one.end_ms]
        assert inside
        assert cue.end_ms <= following.start_ms


def test_cues_begin_with_their_words_although_only_the_text_has_punctuation() -> None:
    words = [a_word(word, 1_000 * i, 1_000 * i + 600) for i, word in enumerate(["one", "two"] * 6)]
    text = "One, two. One, two. One, two. One, two. One, two. One, two."
    cues = make_cues(a_transcript(a_segment(0, 12_000, text, words=tuple(words))))
    assert len(cues) > 1
    assert all(cue.start_ms % 2_000 == 0 for cue in cues)
    assert all(cue.lines[-1].endswith("two.") for cue in cues)


def test_of_two_who_begin_at_once_the_first_can_be_read_before_the_second() -> None:
    both = a_transcript(
        a_segment(1_000, 4_000, "yes", speaker="A"), a_segment(1_000, 4_000, "no", speaker="B")
    )
    first, second = make_cues(both)
    assert (first.speaker, first.start_ms, first.end_ms) == ("A", 1_000, 1_000 + LEAST_MS)
    assert (second.speaker, second.start_ms, second.end_ms) == ("B", 1_000 + LEAST_MS, 4_000)


def test_a_short_word_stays_until_it_is_read() -> None:
    (cue,) = make_cues(a_transcript(a_segment(1_000, 1_100, "yes")))
    assert (cue.start_ms, cue.end_ms) == (1_000, 1_000 + LEAST_MS)


def test_a_word_that_takes_long_goes_before_it_is_over() -> None:
    (cue,) = make_cues(a_transcript(a_segment(1_000, 60_000, "yes")))
    assert (cue.start_ms, cue.end_ms) == (1_000, 1_000 + MOST_MS)
