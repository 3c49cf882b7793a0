"""Suspect texts are distinguished from texts that are only fast, slow or monotonous."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.transcript import Segment, WarningKind, Word
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.worker.text.quality import quality_flags, warnings_of
from funasr_fleet.worker.text.spans import Span

READ = "the quick brown fox jumps over the lazy dog while nobody looks at it from the window"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.9),
        ("。", 0.5),
        ("yes", 0.2),
        ("好的好的", 0.2),
        ("hmm", 9.0),
        ("one two three four five", 18.0),
        ("1 2 3 4 5 6", 15.0),
        (READ, 3.0),
        ("高速公路上的车辆请注意前方施工请减速慢行", 2.0),
        ("東京特許許可局局長今日急遽許可却下", 1.5),
        ("안녕하세요 만나서 반갑습니다", 1.2),
        ("$1,000,000,000.00", 0.8),
        ("zero zero zero", 1.5),
        ("no no no no no no no no", 2.5),
        ("ha ha ha ha ha ha ha ha ha ha", 3.0),
        ("哈哈哈哈哈哈哈哈哈", 2.0),
        ("零零零零零零零零八八八八八八八八", 5.0),
        ("0000 0000 0000 0000", 5.0),
        ("call now, call now, call now!", 3.0),
        (" ".join([READ] * 3), 16.0),
        (f"no no no no no no no no no no no no no no no no {READ} and {READ}", 16.0),
    ],
)
def test_plausible_texts_are_not_suspect(text: str, seconds: float) -> None:
    assert quality_flags(text, seconds) == frozenset()


@pytest.mark.parametrize(
    ("text", "seconds", "kind"),
    [
        ("", 1.1, "speech_without_text"),
        ("。", 5.0, "speech_without_text"),
        (READ, 1.0, "implausible_rate"),
        ("高速公路上的车辆请注意前方施工请减速慢行", 0.5, "implausible_rate"),
        ("こんにちはせかい" * 2 + "ですよね", 0.5, "implausible_rate"),
        ("안녕하세요만나서반갑습니다여러분", 0.4, "implausible_rate"),
        ("yes", 20.0, "implausible_rate"),
        ("嗯", 10.0, "implausible_rate"),
        ("thank you " * 8, 8.0, "repeated_phrase"),
        ("Thank you. thank you, " * 5, 8.0, "repeated_phrase"),
        ("谢谢大家观看" * 4, 8.0, "repeated_phrase"),
        ("ha " * 40, 12.0, "repeated_phrase"),
        ("h" + "a" * 60, 5.0, "repeated_phrase"),
        ("ครับ" * 30, 20.0, "repeated_phrase"),
        (" ".join([READ] * 4), 20.0, "repeated_phrase"),
        (f"so we went on and then {'and then it was ' * 8}", 12.0, "repeated_phrase"),
    ],
)
def test_implausible_texts_are_suspect(text: str, seconds: float, kind: WarningKind) -> None:
    assert quality_flags(text, seconds) == {kind}


def test_a_repeated_phrase_may_also_be_too_fast() -> None:
    assert quality_flags("thank you " * 50, 2.0) == {"repeated_phrase", "implausible_rate"}


@given(st.text("ab 你,", min_size=1, max_size=8), st.integers(60, 80))
def test_sixty_repetitions_are_a_repeated_phrase(phrase: str, times: int) -> None:
    looping = "repeated_phrase" in quality_flags(" ".join([phrase] * times), 60.0)
    assert looping == any(map(str.isalnum, phrase))


@given(st.lists(st.integers(), unique=True), st.floats(0.1, 60))
def test_nothing_is_repeated_where_no_word_comes_twice(numbers: list[int], seconds: float) -> None:
    text = " ".join(f"word{number}" for number in numbers)
    assert "repeated_phrase" not in quality_flags(text, seconds)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("browser-recording.webm", 5.8),
        ("calls/hotline.mp3", 9.9),
        ("calls/voicemail.wav", 4.6),
        ("counting.opus", 9.9),
        ("inventory-two-minutes.mp3", 121.1),
        ("order-numbers.flac", 5.0),
        ("pin-code.wav", 2.6),
        ("reading.ogg", 14.0),
        ("screen-recording.mp4", 8.1),
        ("电话号码.m4a", 5.5),
    ],
)
@pytest.mark.parametrize("speech", [1.0, 0.5])
def test_no_sample_is_suspect_even_if_half_of_it_is_silence(
    name: str, seconds: float, speech: float
) -> None:
    text = json.loads((SAMPLES / "references.json").read_text())[name]["text"]
    assert quality_flags(text, seconds * speech) == frozenset()


def said(start_s: float, end_s: float, text: str, ends_s: float | None = None) -> Segment:
    start_ms, end_ms = round(start_s * 1000), round(end_s * 1000)
    words = None
    if ends_s is not None:
        words = (Word(text=text, start_ms=start_ms, end_ms=round(ends_s * 1000)),)
    return Segment(start_ms=start_ms, end_ms=end_ms, text=text, words=words)


def speech(*spans_s: tuple[float, float]) -> list[Span]:
    return [Span(round(start * 1000), round(end * 1000)) for start, end in spans_s]


@pytest.mark.parametrize(
    ("segments", "spans", "warnings"),
    [
        ([], [], ()),
        ([], [(0, 0.4)], ("speech_without_text",)),
        ([said(0, 5, "one two three")], [(0, 5)], ()),
        ([said(0, 5, "one two three")], [(0, 5), (6, 9)], ()),
        ([said(0, 5, READ)], [(0, 5), (30, 35)], ()),
        ([said(0, 5, READ)], [(0, 5), (40, 40.3)], ()),  # a cough after silence
        ([said(0, 5, READ)], [(0, 5), (35, 50), (60, 76)], ("text_ends_early",)),
        ([said(0, 5, READ), said(900, 960, READ)], [(0, 5), (900, 960), (990, 999)], ()),
        ([said(0, 50, READ, ends_s=9)], [(0, 50)], ("text_ends_early",)),
        ([said(0, 50, READ, ends_s=48)], [(0, 50)], ()),
        (
            [said(0, 9, "ha " * 40), said(9, 10, READ)],
            [(0, 9), (9, 10)],
            ("implausible_rate", "repeated_phrase"),
        ),
    ],
)
def test_warnings_follow_from_the_segments_and_the_end(
    segments: list[Segment], spans: list[tuple[float, float]], warnings: tuple[WarningKind, ...]
) -> None:
    assert warnings_of(segments, speech(*spans)) == warnings


def test_sentences_of_one_span_are_judged_together() -> None:
    sentences = [said(100, 100.1, READ), said(100.1, 104, "so."), said(108, 112, "yes")]
    assert warnings_of(sentences, speech((0, 4), (8, 12)), offset_ms=100_000) == ()
    loop = [said(n, n + 1, "thank you.") for n in range(8)]
    assert warnings_of(loop, speech((0, 8))) == ("repeated_phrase",)
    assert warnings_of(loop, speech(*((n, n + 1) for n in range(8)))) == ()


def test_what_follows_the_last_speech_does_not_count() -> None:
    last = said(7_200, 7_205, READ)
    assert warnings_of([last], speech((0, 5)), offset_ms=7_200_000) == ()
    assert warnings_of([last], speech((0, 5), (60, 91)), offset_ms=7_200_000) == (
        "text_ends_early",
    )


@pytest.mark.parametrize(
    ("confidences", "flagged"),
    [
        ([0.36], True),
        ([0.38], False),
        ([None], False),
        ([0.9] * 9 + [0.1] * 2, True),
        ([0.9] * 9 + [0.1], False),
        ([None] * 9 + [0.1] * 2, True),
    ],
)
def test_low_confidence_in_more_than_a_tenth_of_the_text_is_flagged(
    confidences: list[float | None], flagged: bool
) -> None:
    spans = [(float(4 * n), 4.0 * n + 2) for n in range(len(confidences))]
    segments = [
        Segment(start_ms=4000 * n, end_ms=4000 * n + 2000, text="three nine", confidence=score)
        for n, score in enumerate(confidences)
    ]
    assert warnings_of(segments, speech(*spans)) == (("low_confidence",) if flagged else ())
