"""Each format contains the text, and the times in the notation that players require."""

import csv
import io
import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.job import Format
from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats import RENDERERS
from funasr_fleet.worker.formats.fields import clock_time
from tests.support.examples import a_receipt, a_segment, a_transcript, a_word

TWO = a_transcript(a_segment(610, 5_530, "three nine zero"), a_segment(61_000, 62_250, "你好"))
TIMES = {"srt": r"(\d\d:\d\d:\d\d,\d{3})", "vtt": r"(\d\d:\d\d:\d\d\.\d{3})"}


def _render(name: Format, transcript: Transcript) -> str:
    return RENDERERS[name].render(transcript).decode()


def test_every_requestable_format_has_a_renderer() -> None:
    assert set(RENDERERS) == set(get_args(Format))


@pytest.mark.parametrize("name", get_args(Format))
def test_extensions_are_those_that_programs_expect(name: Format) -> None:
    others = {
        "textgrid": "TextGrid",
        "whisper": "whisper.json",
        "openai-verbose": "openai-verbose.json",
        "aws-transcribe": "aws-transcribe.json",
    }
    assert RENDERERS[name].extension == others.get(name, name)
    assert "/" in RENDERERS[name].content_type


def test_extensions_are_unique() -> None:
    extensions = {renderer.extension.lower() for renderer in RENDERERS.values()}
    assert len(extensions) == len(RENDERERS)


def test_srt_has_numbered_cues_and_times_with_a_comma() -> None:
    first, second = _render("srt", TWO).strip().split("\n\n")
    assert first.splitlines() == ["1", "00:00:00,610 --> 00:00:05,530", "three nine zero"]
    assert second.splitlines() == ["2", "00:01:01,000 --> 00:01:02,250", "你好"]


def test_vtt_has_its_header_and_times_with_a_point() -> None:
    header, first, second = _render("vtt", TWO).strip().split("\n\n")
    assert header == "WEBVTT"
    assert first.splitlines() == ["00:00:00.610 --> 00:00:05.530", "three nine zero"]
    assert second.splitlines() == ["00:01:01.000 --> 00:01:02.250", "你好"]


def test_txt_has_one_line_per_segment() -> None:
    assert _render("txt", TWO).splitlines() == ["three nine zero", "你好"]


def test_txt_joins_the_lines_of_a_segment() -> None:
    assert _render("txt", a_transcript(a_segment(0, 9, "a\n\nb\u2028c\td"))) == "a b c d\n"


def test_json_is_the_transcript_itself() -> None:
    assert Transcript.model_validate(json.loads(_render("json", TWO))) == TWO


def test_json_has_words_only_when_requested() -> None:
    heard = a_segment(0, 900, "yes", words=(a_word("yes", 0, 900),))
    asked = a_transcript(heard, receipt=a_receipt(options={"timestamps": "word"}))
    assert json.loads(_render("json", a_transcript(heard)))["segments"][0]["words"] is None
    assert Transcript.model_validate(json.loads(_render("json", asked))) == asked


def test_tsv_is_whole_milliseconds_and_one_line_per_segment() -> None:
    rows = _render("tsv", a_transcript(a_segment(610, 5_530, "a\tb\nc"), *TWO.segments[1:]))
    assert list(csv.DictReader(io.StringIO(rows), delimiter="\t")) == [
        {"start": "610", "end": "5530", "text": "a b c"},
        {"start": "61000", "end": "62250", "text": "你好"},
    ]


def test_vtt_escapes_markup() -> None:
    body = _render("vtt", a_transcript(a_segment(0, 9, "a < b && c --> <i>d</i>")))
    assert body.splitlines()[-1] == "a &lt; b &amp;&amp; c --&gt; &lt;i&gt;d&lt;/i&gt;"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("srt", ""),
        ("txt", ""),
        ("vtt", "WEBVTT\n"),
        ("tsv", "start\tend\ttext\n"),
        ("rttm", ""),
        ("ctm", ""),
    ],
)
def test_an_audio_without_speech_gives_an_empty_file_of_its_format(name: Format, body: str) -> None:
    assert _render(name, a_transcript()) == body


@pytest.mark.parametrize("name", ["srt", "vtt"])
@given(lengths=st.lists(st.integers(1, 90_000), min_size=1, max_size=9))
def test_short_segments_are_one_cue_each_in_order(name: Format, lengths: list[int]) -> None:
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    segments = [
        a_segment(start, start + length, "word")
        for start, length in zip(starts, lengths, strict=True)
    ]
    cues = re.findall(f"{TIMES[name]} --> {TIMES[name]}", _render(name, a_transcript(*segments)))
    times = [time for cue in cues for time in cue]
    assert len(cues) == len(lengths)
    assert times == sorted(times)


@given(st.integers(0, 400 * 3_600_000), st.sampled_from([",", "."]))
def test_a_time_reads_back_exactly(ms: int, separator: str) -> None:
    match = re.fullmatch(r"(\d{2,}):([0-5]\d):([0-5]\d)([,.])(\d{3})", clock_time(ms, separator))
    assert match
    hours, minutes, seconds, mark, millis = match.groups()
    whole_s = 3600 * int(hours) + 60 * int(minutes) + int(seconds)
    assert (1000 * whole_s + int(millis), mark) == (ms, separator)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "00:00:00,000"),
        (999, "00:00:00,999"),
        (59_999, "00:00:59,999"),
        (1_234_567, "00:20:34,567"),
        (3_600_000, "01:00:00,000"),
        (359_999_999, "99:59:59,999"),
        (360_000_000, "100:00:00,000"),
    ],
)
def test_times_have_hours_minutes_seconds_and_milliseconds(ms: int, text: str) -> None:
    assert clock_time(ms, ",") == text
