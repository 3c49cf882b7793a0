"""Outputs read by other programs: pysubs2, webvtt-py, lhotse and praatio."""

import html
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from lhotse import SupervisionSegment, SupervisionSet  # type: ignore[import-untyped]
from praatio import textgrid  # type: ignore[import-untyped]
from pysubs2 import SSAEvent, SSAFile
from webvtt import Caption, from_string

from funasr_fleet.contract.transcript import AudioInfo, Transcript
from funasr_fleet.worker.formats.ctm import render_ctm
from funasr_fleet.worker.formats.cues import make_cues
from funasr_fleet.worker.formats.fields import audio_ms, recording_name
from funasr_fleet.worker.formats.rttm import render_rttm
from funasr_fleet.worker.formats.srt import render_srt
from funasr_fleet.worker.formats.textgrid import render_textgrid
from funasr_fleet.worker.formats.vtt import render_vtt
from tests.support.examples import a_segment, a_transcript, a_word
from tests.support.speech import squeezed, transcripts, unhurried


def _srt(transcript: Transcript) -> SSAFile:
    return SSAFile.from_string(render_srt(transcript).decode(), format_="srt")


def _text(event: SSAEvent) -> str:
    """The text without invisible characters."""
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


def _turns(transcript: Transcript) -> list[SupervisionSegment]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.rttm")
        path.write_bytes(render_rttm(transcript))
        return list(SupervisionSet.from_rttm(path))


def _words(transcript: Transcript) -> list[tuple[str, int, int, float | None]]:
    """Word, start and length in ms, score."""
    whole = SupervisionSegment(
        id="whole", recording_id="a_b", start=0, duration=audio_ms(transcript) / 1000 + 1
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.ctm")
        path.write_bytes(render_ctm(transcript))
        (read,) = SupervisionSet.from_segments([whole]).with_alignment_from_ctm(str(path))
    return [
        (one.symbol, round(1000 * one.start), round(1000 * one.duration), one.score)
        for one in (read.alignment or {})["word"]
    ]


@given(transcripts(together=True, speakers=True))
@unhurried
def test_rttm_has_every_turn(transcript: Transcript) -> None:
    read = [
        (one.recording_id, one.speaker, round(1000 * one.start), round(1000 * one.duration))
        for one in _turns(transcript)
    ]
    names = {None: "speech", "B b": "B_b"}
    assert read == [
        ("a_b", names.get(one.speaker, one.speaker), one.start_ms, one.end_ms - one.start_ms)
        for one in transcript.segments
    ]


@given(transcripts(together=True))
@unhurried
def test_ctm_has_every_word_with_its_time(transcript: Transcript) -> None:
    said = [
        (word.text, word.start_ms, word.end_ms - word.start_ms, segment.confidence)
        for segment in transcript.segments
        for word in segment.words or ()
    ]
    assert _words(transcript) == sorted(said, key=lambda word: word[1])


def test_lines_have_the_fields_of_nist() -> None:
    right = AudioInfo(uri="https://example.com/in/a%20b.wav?sig=x", channel=1)
    words = (a_word("你", 1_005, 1_205), a_word("ice cream", 2_000, 60_000))
    segment = a_segment(1_005, 60_000, "你 ice cream", words=words, speaker="A", confidence=0.25)
    said = a_transcript(segment, audio=right)
    assert render_rttm(said).decode() == ("SPEAKER a_b 2 1.005 58.995 <NA> <NA> A <NA> <NA>\n")
    assert render_ctm(said).decode().splitlines() == [
        "a_b 2 1.005 0.200 你 0.250",
        "a_b 2 2.000 58.000 ice_cream 0.250",
    ]


def test_split_channels_are_separate_and_sorted() -> None:
    left = [a_segment(0, 900, "a b", words=(a_word("a", 0, 300), a_word("b", 600, 900)))]
    left += [a_segment(2_000, 2_900, "c", words=(a_word("c", 2_000, 2_900),))]
    right = a_segment(500, 1_000, "d", words=(a_word("d", 500, 1_000),), speaker="ch1")
    first, last = (one.model_copy(update={"speaker": "ch0"}) for one in left)
    both = a_transcript(first, right, last)
    turns = [line.split()[1:4] for line in render_rttm(both).decode().splitlines()]
    assert turns == [["a", "1", "0.000"], ["a", "1", "2.000"], ["a", "2", "0.500"]]
    words = [line.split()[1:5:3] for line in render_ctm(both).decode().splitlines()]
    assert words == [["1", "a"], ["1", "b"], ["1", "c"], ["2", "d"]]


@pytest.mark.parametrize(
    ("uri", "name"),
    [("s3://in/x/a.b.mp3", "a.b"), ("s3://in/2024.01.02", "2024.01.02"), ("s3://in/.wav", ".wav")],
)
def test_names_have_no_extension(uri: str, name: str) -> None:
    assert recording_name(a_transcript(audio=AudioInfo(uri=uri))) == name


def test_ctm_is_empty_without_words() -> None:
    assert render_ctm(a_transcript(a_segment(0, 9, "yes"))) == b""


def _grid(transcript: Transcript) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.TextGrid")
        path.write_bytes(render_textgrid(transcript))
        return textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")


@given(transcripts(together=True, speakers=True))
@unhurried
def test_tiers_cover_the_audio_without_gap_or_overlap(transcript: Transcript) -> None:
    grid = _grid(transcript)
    end_ms = max(1, audio_ms(transcript))
    assert round(1000 * grid.maxTimestamp) == end_ms
    for tier in grid.tiers:
        edges = [(round(1000 * entry.start), round(1000 * entry.end)) for entry in tier.entries]
        assert [start for start, _ in edges] == [0, *(end for _, end in edges[:-1])]
        assert edges[-1][1] == end_ms
        assert all(start < end for start, end in edges)


@given(transcripts(together=True, speakers=True))
@unhurried
def test_tiers_have_all_segments_and_words(transcript: Transcript) -> None:
    grid = _grid(transcript)
    texts = {
        kind: squeezed(
            *(
                entry.label
                for tier in grid.tiers
                if tier.name.startswith(kind)
                for entry in tier.entries
            )
        )
        for kind in ("segments", "words")
    }
    said = transcript.segments
    assert Counter(texts["segments"]) == Counter(squeezed(*(one.text for one in said)))
    words = [word.text for one in said for word in one.words or ()]
    assert Counter(texts["words"]) == Counter(squeezed(*words))


def test_each_of_several_speakers_has_tiers() -> None:
    words = (a_word("yes", 100, 400),)
    two = a_transcript(
        a_segment(0, 900, 'say "yes"', speaker="A", words=words),
        a_segment(500, 1_900, "no", speaker="B"),
    )
    grid = _grid(two)
    assert list(grid.tierNames) == ["segments A", "words A", "segments B"]
    first = grid.getTier("segments A").entries[0]
    assert (first.start, first.end, first.label) == (0, 0.9, 'say "yes"')


def test_tiers_of_one_speaker_have_no_name() -> None:
    words = (a_word("yes", 100, 400),)
    grid = _grid(a_transcript(a_segment(0, 900, "yes", speaker="A", words=words)))
    assert list(grid.tierNames) == ["segments", "words"]
    assert grid.maxTimestamp == 5.0
