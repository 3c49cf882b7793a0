"""TextGrids as praatio reads them, which refuses what Praat would."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from praatio import textgrid  # type: ignore[import-untyped]

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.requested import audio_ms
from funasr_fleet.worker.formats.textgrid import render_textgrid
from tests.support.examples import a_segment, a_transcript, a_word
from tests.support.speech import squeezed, transcripts, unhurried


def _read(transcript: Transcript) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.TextGrid")
        path.write_bytes(render_textgrid(transcript))
        return textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")


@given(transcripts(together=True, speakers=True))
@unhurried
def test_tiers_cover_the_audio_without_gap_or_overlap(transcript: Transcript) -> None:
    grid = _read(transcript)
    end_ms = max(1, audio_ms(transcript))
    assert round(1000 * grid.maxTimestamp) == end_ms
    for tier in grid.tiers:
        edges = [(round(1000 * entry.start), round(1000 * entry.end)) for entry in tier.entries]
        assert [start for start, _ in edges] == [0, *(end for _, end in edges[:-1])]
        assert edges[-1][1] == end_ms
        assert all(start < end for start, end in edges)


@given(transcripts(together=True, speakers=True))
@unhurried
def test_all_that_was_said_is_in_the_tiers(transcript: Transcript) -> None:
    grid = _read(transcript)
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
    grid = _read(two)
    assert list(grid.tierNames) == ["segments A", "words A", "segments B"]
    first = grid.getTier("segments A").entries[0]
    assert (first.start, first.end, first.label) == (0, 0.9, 'say "yes"')


def test_one_speaker_needs_no_name() -> None:
    words = (a_word("yes", 100, 400),)
    grid = _read(a_transcript(a_segment(0, 900, "yes", speaker="A", words=words)))
    assert list(grid.tierNames) == ["segments", "words"]
    assert grid.maxTimestamp == 5.0
