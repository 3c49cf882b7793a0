"""Whisper's and OpenAI's JSON, read by pysubs2 and OpenAI's own types."""

import importlib
import io
import json
import re
from typing import Any

import pysubs2
import pytest
from hypothesis import given
from openai.types.audio import TranscriptionVerbose

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.openai_verbose import render_openai_verbose
from funasr_fleet.worker.formats.whisper import render_whisper
from funasr_fleet.worker.text.alignment import align
from funasr_fleet.worker.text.segments import whole_text
from tests.support.examples import a_receipt, a_segment, a_transcript, a_word
from tests.support.speech import squeezed, transcripts, unhurried

WORD = a_receipt(options={"timestamps": "word"})
HELLO = a_segment(
    610, 2_000, "Hello, world.", words=(a_word("hello", 610, 900), a_word("world", 1_000, 2_000))
)


def _whisper(transcript: Transcript) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render_whisper(transcript))
    return document


def _openai(transcript: Transcript) -> TranscriptionVerbose:
    return TranscriptionVerbose.model_validate_json(render_openai_verbose(transcript), strict=True)


@given(transcripts(together=True, speakers=True))
@unhurried
def test_pysubs2_reads_whisper_json(transcript: Transcript) -> None:
    events = pysubs2.load_from_whisper(_whisper(transcript))
    assert [(event.start, event.end) for event in events] == [
        (segment.start_ms, segment.end_ms) for segment in transcript.segments
    ]
    read = squeezed(*(event.text.replace("\\N", "\n") for event in events))
    assert read == squeezed(*(segment.text for segment in transcript.segments))


@given(transcripts(asked=True))
@unhurried
def test_texts_joined_are_the_text_and_words_joined_are_the_texts(transcript: Transcript) -> None:
    transcript = transcript.model_copy(update={"text": whole_text(transcript.segments)})
    document = _whisper(transcript)
    assert "".join(one["text"] for one in document["segments"]) == document["text"]
    told = any(segment.words for segment in transcript.segments)
    for segment, written in zip(transcript.segments, document["segments"], strict=True):
        assert ("words" in written) == told
        if told and (not segment.words or align(segment.text, segment.words)):
            assert "".join(word["word"] for word in written["words"]) == written["text"]


def test_whisper_json_has_the_fields_that_are_known() -> None:
    document = _whisper(a_transcript(HELLO, a_segment(2_000, 3_001, "你好", confidence=0.5)))
    first, second = document["segments"]
    assert document["language"] == "en"
    assert (first["id"], first["seek"], first["start"], first["end"]) == (0, 61, 0.61, 2.0)
    assert (first["tokens"], first["temperature"]) == ([], 0.0)
    assert "avg_logprob" not in first
    assert second["avg_logprob"] == pytest.approx(-0.6931)
    assert "no_speech_prob" not in second


@pytest.mark.parametrize("render", [render_whisper, render_openai_verbose])
def test_no_speech_prob_is_that_of_the_model(render: Any) -> None:
    segments = [a_segment(0, 9, "a", no_speech_prob=value) for value in (0.0, 0.25)]
    written = json.loads(render(a_transcript(*segments)))["segments"]
    assert [one["no_speech_prob"] for one in written] == [0.0, 0.25]


@pytest.mark.parametrize("score", [0.0, 1e-9])
def test_a_confidence_of_zero_has_a_log_probability(score: float) -> None:
    (segment,) = _whisper(a_transcript(a_segment(0, 9, "a", confidence=score)))["segments"]
    assert segment["avg_logprob"] == pytest.approx(-9.2103)


def _written_by_whisper(transcript: Transcript, extension: str, **options: Any) -> str:
    """The output of openai-whisper's own writers."""
    writers = importlib.import_module("whisper.utils")
    file = io.StringIO()
    writers.get_writer(extension, ".").write_result(_whisper(transcript), file, options)
    return file.getvalue()


@pytest.mark.parametrize("extension", ["txt", "srt", "vtt", "tsv"])
@given(transcript=transcripts(asked=True))
@unhurried
def test_whispers_own_writers_read_it(extension: str, transcript: Transcript) -> None:
    written = _written_by_whisper(transcript, extension)
    assert written.count("\n") >= len(transcript.segments)


@pytest.mark.parametrize("options", [{}, {"highlight_words": True}, {"max_words_per_line": 2}])
def test_whispers_own_writers_read_words_that_only_some_segments_have(
    options: dict[str, Any],
) -> None:
    bare = a_segment(2_000, 4_000, "Good morning.")
    for segments in ([HELLO, bare], [bare, HELLO.model_copy(update={"words": ()}), HELLO]):
        written = _written_by_whisper(a_transcript(*segments, receipt=WORD), "srt", **options)
        assert "morning." in written.replace("<u>", "")


def test_words_of_whisper_carry_the_punctuation_and_the_space_before() -> None:
    document = _whisper(a_transcript(HELLO, HELLO, receipt=WORD))
    assert document["segments"][0]["words"] == [
        {"word": "Hello,", "start": 0.61, "end": 0.9},
        {"word": " world.", "start": 1.0, "end": 2.0},
    ]
    assert document["segments"][1]["words"][0]["word"] == " Hello,"


@given(transcripts(together=True, speakers=True, asked=True))
@unhurried
def test_the_openai_client_reads_the_verbose_json(transcript: Transcript) -> None:
    read = _openai(transcript)
    assert [
        (one.text, round(1000 * one.start), round(1000 * one.end)) for one in read.segments or ()
    ] == [(one.text, one.start_ms, one.end_ms) for one in transcript.segments]
    words = [word for one in transcript.segments for word in one.words or ()]
    assert squeezed(*(word.word for word in read.words or ())) == squeezed(
        *(word.text for word in words)
    )
    assert len(read.words or ()) == len(words)
    assert all(0 <= word.start <= word.end <= read.duration for word in read.words or ())


def test_an_unknown_language_is_und() -> None:
    assert _openai(a_transcript(HELLO, language=None)).language == "und"
    assert _openai(a_transcript(HELLO)).language == "en"


@pytest.mark.parametrize("render", [render_whisper, render_openai_verbose])
def test_words_are_left_out_unless_requested(render: Any) -> None:
    assert b'"words"' not in render(a_transcript(HELLO))
    assert b'"words"' in render(a_transcript(HELLO, receipt=WORD))


@pytest.mark.parametrize("render", [render_whisper, render_openai_verbose])
@given(transcript=transcripts(asked=True))
@unhurried
def test_no_time_has_more_than_three_decimals(render: Any, transcript: Transcript) -> None:
    times = re.findall(r'"(?:start|end|duration)": ([^,}]+)', render(transcript).decode())
    assert all(re.fullmatch(r"\d+\.\d{1,3}", time) for time in times)
