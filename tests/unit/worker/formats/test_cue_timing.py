"""Cues are shown one at a time and long enough to be read, also where people talk at once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.formats.cue_timing import LATEST_MS, LEAST_MS, MOST_MS, Cue, one_at_a_time
from funasr_fleet.worker.formats.cues import make_cues
from tests.support.examples import a_segment, a_transcript


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
def test_what_nobody_talks_into_is_shown_as_it_is_said(said: list[tuple[int, int]]) -> None:
    cues: list[Cue] = []
    for gap_ms, length_ms in said:
        cues.append(_cue((cues[-1].end_ms if cues else 0) + gap_ms, length_ms))
    lasts = [(cue.start_ms, min(cue.end_ms, cue.start_ms + MOST_MS)) for cue in cues]
    assert _shown(*cues, audio_ms=99_000) == lasts


def test_a_word_said_into_a_long_sentence_does_not_take_it_away() -> None:
    text = "We have looked at all of it twice and found that it is as it should be."
    long, word = make_cues(
        a_transcript(
            a_segment(0, 6_800, text, speaker="ch0"), a_segment(500, 900, "Yeah.", speaker="ch1")
        )
    )
    assert (long.speaker, long.start_ms) == ("ch0", 0)
    assert 3_400 <= long.end_ms <= 3_700
    assert (word.start_ms, word.end_ms) == (long.end_ms, long.end_ms + LEAST_MS)


def test_who_waited_is_read_too() -> None:
    text = "x" * 40
    first, second = _shown(_cue(0, 3_000, text), _cue(0, 3_000, text))
    assert (first, second) == ((0, 2_000), (2_000, 4_000))


def test_of_two_who_begin_at_once_the_first_can_be_read_before_the_second() -> None:
    first, second = one_at_a_time(
        [_cue(1_000, 3_000, speaker="A"), _cue(1_000, 3_000, speaker="B")], 5_000
    )
    assert (first.speaker, first.start_ms, first.end_ms) == ("A", 1_000, 1_000 + LEAST_MS)
    assert (second.speaker, second.start_ms, second.end_ms) == ("B", 1_000 + LEAST_MS, 4_000)


def test_the_next_cue_makes_room_for_a_short_one() -> None:
    assert _shown(_cue(0, 200), _cue(200, 5_000)) == [(0, LEAST_MS), (LEAST_MS, 5_200)]


def test_words_without_end_are_not_shown_later_and_later() -> None:
    shown = _shown(*(_cue(300 * i, 300) for i in range(180)), audio_ms=54_000)
    assert all(end_ms - start_ms >= 290 for start_ms, end_ms in shown)


def test_a_short_word_stays_until_it_is_read() -> None:
    assert _shown(_cue(1_000, 100)) == [(1_000, 1_000 + LEAST_MS)]


def test_a_word_that_takes_long_goes_before_it_is_over() -> None:
    assert _shown(_cue(1_000, 59_000)) == [(1_000, 1_000 + MOST_MS)]
