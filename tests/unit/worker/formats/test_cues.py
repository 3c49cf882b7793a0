"""Cues contain the whole text, never overlap, and are shown long enough to be read."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.transcript import AudioInfo, Segment, Transcript
from funasr_fleet.worker.formats.cue_timing import LATEST_MS, LEAST_MS, MOST_MS, Cue, one_at_a_time
from funasr_fleet.worker.formats.cues import make_cues
from funasr_fleet.worker.formats.fields import audio_ms
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
def test_overlapping_speech_loses_no_text_and_cues_stay_within_the_limits(
    transcript: Transcript,
) -> None:
    cues = make_cues(transcript)
    check_times(cues, audio_ms(transcript))
    for cue in cues:
        check_lines(cue.lines)
        assert cue.end_ms - cue.start_ms <= MOST_MS
    for speaker in {segment.speaker for segment in transcript.segments}:
        own = [segment.text for segment in transcript.segments if segment.speaker == speaker]
        shown = _texts([cue for cue in cues if cue.speaker == speaker])
        assert Counter(squeezed(*shown)) == Counter(squeezed(*own))


@given(segments(0, speakers=False))
@unhurried
def test_speech_without_overlap_is_shown_while_it_lasts(segment: Segment) -> None:
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


def test_a_speaker_name_longer_than_a_line_is_laid_out() -> None:
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
def test_text_without_spaces_is_cut_into_cues_of_equal_time(text: str) -> None:
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


def _cue(start_ms: int, length_ms: int, text: str = "yes", speaker: str | None = None) -> Cue:
    return Cue(start_ms=start_ms, end_ms=start_ms + length_ms, lines=(text,), speaker=speaker)


def _shown(*cues: Cue, audio_ms: int = 60_000) -> list[tuple[int, int]]:
    return [(one.start_ms, one.end_ms) for one in one_at_a_time(cues, audio_ms)]


CROWDED = st.lists(
    st.tuples(st.integers(0, 6_000), st.integers(20, 7_000), st.sampled_from(["yes", "long " * 8])),
    min_size=1,
    max_size=12,
).map(lambda said: [_cue(*one) for one in sorted(said)])


@given(CROWDED, st.integers(0, 9_000))
def test_a_cue_is_short_only_where_there_is_no_room(cues: list[Cue], more_ms: int) -> None:
    audio_ms = max(cue.end_ms for cue in cues) + more_ms
    shown = one_at_a_time(cues, audio_ms)
    for i, (cue, following) in enumerate(pairwise(shown)):
        as_late_as_may_be = following.start_ms >= cues[i + 1].start_ms + LATEST_MS
        no_room = following.end_ms - following.start_ms <= LEAST_MS or as_late_as_may_be
        assert cue.end_ms - cue.start_ms >= LEAST_MS or no_room
    assert shown[-1].end_ms - shown[-1].start_ms >= LEAST_MS or shown[-1].end_ms == audio_ms


@given(CROWDED)
def test_cues_keep_their_order_and_wait_for_no_more_than_five_seconds(cues: list[Cue]) -> None:
    shown = one_at_a_time(cues, 60_000)
    assert [cue.lines for cue in shown] == [cue.lines for cue in cues]
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(shown))
    for one, said in zip(shown, cues, strict=True):
        assert said.start_ms <= one.start_ms <= said.start_ms + LATEST_MS + len(cues)


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(LEAST_MS, 9_000)), max_size=9))
def test_cues_without_overlap_keep_their_times(said: list[tuple[int, int]]) -> None:
    cues: list[Cue] = []
    for gap_ms, length_ms in said:
        cues.append(_cue((cues[-1].end_ms if cues else 0) + gap_ms, length_ms))
    lasts = [(cue.start_ms, min(cue.end_ms, cue.start_ms + MOST_MS)) for cue in cues]
    assert _shown(*cues, audio_ms=99_000) == lasts


def test_an_interjection_does_not_hide_a_long_sentence() -> None:
    text = "We have looked at all of it twice and found that it is as it should be."
    long, word = make_cues(
        a_transcript(
            a_segment(0, 6_800, text, speaker="ch0"), a_segment(500, 900, "Yeah.", speaker="ch1")
        )
    )
    assert (long.speaker, long.start_ms) == ("ch0", 0)
    assert 3_400 <= long.end_ms <= 3_700
    assert (word.start_ms, word.end_ms) == (long.end_ms, long.end_ms + LEAST_MS)


def test_simultaneous_cues_share_the_time() -> None:
    text = "x" * 40
    first, second = _shown(_cue(0, 3_000, text), _cue(0, 3_000, text))
    assert (first, second) == ((0, 2_000), (2_000, 4_000))


def test_of_two_simultaneous_cues_the_first_is_shown_first() -> None:
    first, second = one_at_a_time(
        [_cue(1_000, 3_000, speaker="A"), _cue(1_000, 3_000, speaker="B")], 5_000
    )
    assert (first.speaker, first.start_ms, first.end_ms) == ("A", 1_000, 1_000 + LEAST_MS)
    assert (second.speaker, second.start_ms, second.end_ms) == ("B", 1_000 + LEAST_MS, 4_000)


def test_a_long_run_of_short_cues_does_not_drift() -> None:
    shown = _shown(*(_cue(300 * i, 300) for i in range(180)), audio_ms=54_000)
    assert all(end_ms - start_ms >= 290 for start_ms, end_ms in shown)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ([(1_000, 100)], [(1_000, 1_000 + LEAST_MS)]),  # shown longer than its speech
        ([(1_000, 59_000)], [(1_000, 1_000 + MOST_MS)]),  # ends before its speech
        ([(0, 200), (200, 5_000)], [(0, LEAST_MS), (LEAST_MS, 5_200)]),  # the next cue starts later
    ],
)
def test_a_cue_is_shown_for_as_long_as_it_takes_to_read(
    said: list[tuple[int, int]], shown: list[tuple[int, int]]
) -> None:
    assert _shown(*(_cue(*one) for one in said)) == shown
