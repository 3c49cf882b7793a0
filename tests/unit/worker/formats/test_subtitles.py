"""Subtitles as other programs read them: pysubs2 and webvtt-py."""

import html

import pytest
from hypothesis import given
from pysubs2 import SSAEvent, SSAFile
from webvtt import Caption, from_string

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.cues import make_cues
from funasr_fleet.worker.formats.srt import render_srt
from funasr_fleet.worker.formats.vtt import render_vtt
from tests.support.examples import a_segment, a_transcript
from tests.support.speech import squeezed, transcripts, unhurried


def _srt(transcript: Transcript) -> SSAFile:
    return SSAFile.from_string(render_srt(transcript).decode(), format_="srt")


def _text(event: SSAEvent) -> str:
    """Without what nobody sees."""
    return event.text.replace("\\N", "\n").replace("\u2060", "")


def _vtt(transcript: Transcript) -> list[Caption]:
    return list(from_string(render_vtt(transcript).decode()).captions)


@given(transcripts())
@unhurried
def test_srt_reads_back_as_the_transcript(transcript: Transcript) -> None:
    read = squeezed(*(_text(event) for event in _srt(transcript)))
    assert read == squeezed(*(segment.text for segment in transcript.segments))


@given(transcripts(together=True, speakers=True))
@unhurried
def test_vtt_reads_back_as_its_cues(transcript: Transcript) -> None:
    cues = make_cues(transcript)
    read = _vtt(transcript)
    assert [html.unescape(one.text).splitlines() for one in read] == [
        list(cue.lines) for cue in cues
    ]
    assert [html.unescape(one.voice or "") for one in read] == [cue.speaker or "" for cue in cues]
    starts = [1000 * one.start_in_seconds + one.start_time.milliseconds for one in read]
    assert starts == [cue.start_ms for cue in cues]


@pytest.mark.parametrize(
    "text",
    ["a\n\n2\n00:00:01,000 -->\n\nb", "<i>d</i>", "{\\an8}up", "a < b", "7", "7" * 60, "NOTE this"],
)
def test_text_is_never_parsed_as_markup_or_structure(text: str) -> None:
    transcript = a_transcript(a_segment(0, 4_000, text), a_segment(4_000, 5_000, "next"))
    assert [squeezed(_text(event)) for event in _srt(transcript)] == [squeezed(text), "next"]
    vtt = [squeezed(html.unescape(one.text)) for one in _vtt(transcript)]
    assert vtt == [squeezed(text), "next"]


def test_srt_names_speakers_only_where_there_are_several() -> None:
    one = a_transcript(a_segment(0, 900, "yes", speaker="A"))
    two = a_transcript(
        a_segment(0, 900, "yes", speaker="A"), a_segment(900, 1_900, "no", speaker="B")
    )
    assert [_text(event) for event in _srt(one)] == ["yes"]
    assert [_text(event) for event in _srt(two)] == ["A: yes", "B: no"]


def test_vtt_has_the_speaker_as_voice() -> None:
    (read,) = _vtt(a_transcript(a_segment(0, 900, "yes", speaker="R&D > all")))
    assert html.unescape(read.voice or "") == "R&D > all"
    assert read.text == "yes"
