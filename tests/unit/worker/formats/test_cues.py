"""Cues can be read one at a time, and hold all that was said."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given

from funasr_fleet.contract.transcript import AudioInfo, Segment, Transcript
from funasr_fleet.worker.formats.cue_timing import MOST_MS, Cue
from funasr_fleet.worker.formats.cues import make_cues
from funasr_fleet.worker.formats.requested import audio_ms
from tests.support.examples import a_segment, a_transcript, a_word
from tests.support.speech import (
    check_lines,
    check_times,
    segments,
    squeezed,
    transcripts,
    unhurried,
)


def _texts(cues: list[Cue]) -> list[str]:
    return [line for cue in cues for line in cue.lines]


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


@given(segments(0, speakers=False))
@unhurried
def test_what_is_said_alone_is_shown_while_it_is_said(segment: Segment) -> None:
    alone = segment.model_copy(update={"words": None})
    cues = make_cues(a_transcript(alone, audio=AudioInfo(uri="a.wav", duration_ms=90_000)))
    assert cues[0].start_ms == segment.start_ms
    assert cues[-1].end_ms >= min(segment.end_ms, cues[-1].start_ms + MOST_MS)
    for cue, following in pairwise(cues):
        assert cue.end_ms == min(following.start_ms, cue.start_ms + MOST_MS)


@given(transcripts(together=True, speakers=True))
@unhurried
def test_lines_of_subrip_are_not_too_wide_with_their_speakers(transcript: Transcript) -> None:
    for cue in make_cues(transcript, lambda segment: f"{segment.speaker or 'nobody'}: "):
        check_lines(cue.lines)
        assert cue.lines[0].startswith(f"{cue.speaker or 'nobody'}: ")


def test_a_name_longer_than_a_line_stops_nothing() -> None:
    one = a_transcript(a_segment(0, 9_000, f"{'word ' * 40}{'x' * 99}", speaker="A"))
    cues = make_cues(one, lambda _: "A" * 60)
    assert squeezed(*_texts(cues)).replace("A", "") == "word" * 40 + "x" * 99


@pytest.mark.parametrize(
    "text",
    [
        "ภาษาไทยเขียนโดยไม่มีช่องว่างระหว่างคำในประโยคเดียวกันแม้จะยาวมากก็ตาม" * 3,
        "https://example.com/" + "a/b-c" * 30,
        "7" * 200,
    ],
)
def test_what_has_no_spaces_is_cut_and_shares_its_time(text: str) -> None:
    cues = make_cues(a_transcript(a_segment(0, 9_000, text)))
    assert len(cues) > 1
    assert all(cue.end_ms - cue.start_ms > 1_500 for cue in cues)
    assert (cues[0].start_ms, cues[-1].end_ms) == (0, 9_000)


def test_cues_begin_with_their_words_although_only_the_text_has_punctuation() -> None:
    words = [a_word(word, 1_000 * i, 1_000 * i + 600) for i, word in enumerate(["one", "two"] * 6)]
    text = "One, two. One, two. One, two. One, two. One, two. One, two."
    cues = make_cues(a_transcript(a_segment(0, 12_000, text, words=tuple(words))))
    assert len(cues) > 1
    assert all(cue.start_ms % 2_000 == 0 for cue in cues)
    assert all(cue.lines[-1].endswith("two.") for cue in cues)
