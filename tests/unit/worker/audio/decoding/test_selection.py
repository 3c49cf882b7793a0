"""The selected channels and samples do not depend on how the decoder cuts its pieces."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from funasr_fleet.contract.job import Options
from funasr_fleet.worker.audio.decoding.decode import AudioPiece
from funasr_fleet.worker.audio.decoding.selection import (
    AudioFacts,
    AudioRange,
    Selection,
    in_blocks,
)
from funasr_fleet.worker.errors import AudioTooShort, UndecodableAudio
from tests.support.audio import Planes, tone
from tests.support.examples import a_ref

STEREO = tone(1, channels=2)


def pieces(planes: Planes, size: int = 1000) -> Iterator[AudioPiece]:
    for at in range(0, planes.shape[1], size):
        yield AudioPiece(planes[:, at : at + size], 8_000)


def selection(channels: str = "mix", **fields: Any) -> Selection:
    return Selection.of(a_ref(**fields), Options.model_validate({"channels": channels}))


@pytest.mark.parametrize(
    ("channel", "channels", "chosen"),
    [
        (None, "mix", [None]),
        (None, "split", [0, 1]),
        (1, "mix", [1]),
        (1, "split", [1]),
        (0, "split", [0]),
    ],
)
def test_a_channel_of_the_file_overrides_the_option(
    channel: int | None, channels: str, chosen: list[int | None]
) -> None:
    selected = selection(channels, channel=channel)
    assert selected.channels(2) == chosen
    block = np.concatenate(list(AudioRange(selected).select(pieces(STEREO))), axis=1)
    expected = [STEREO.mean(0) if one is None else STEREO[one] for one in chosen]
    np.testing.assert_allclose(block, expected, atol=1e-7)


@pytest.mark.parametrize("size", [1, 999, 1000, 20_000])
@pytest.mark.parametrize(
    ("start_ms", "end_ms", "first", "count"),
    [
        (None, None, 0, 16_000),
        (0, 500, 0, 8_000),
        (250, None, 4_000, 12_000),
        (250, 500, 4_000, 4_000),
        (900, 5000, 14_400, 1_600),
        (975, None, 15_600, 400),
    ],
)
def test_a_range_is_cut_to_the_sample(
    start_ms: int | None, end_ms: int | None, first: int, count: int, size: int
) -> None:
    stretch = AudioRange(selection(start_ms=start_ms, end_ms=end_ms, channel=1))
    block = np.concatenate(list(stretch.select(pieces(STEREO, size))), axis=1)
    np.testing.assert_array_equal(block[0], STEREO[1][first : first + count])
    assert stretch.facts == AudioFacts(channels=2, source_rate=8_000, duration_ms=1000)


@pytest.mark.parametrize("ref", [{"start_ms": 976}, {"start_ms": 1000}, {"start_ms": 99_999}])
def test_a_range_beyond_the_end_names_the_end(ref: dict[str, Any]) -> None:
    stretch = AudioRange(selection(**ref))
    with pytest.raises(AudioTooShort, match="the audio ends at 1000 ms"):
        list(stretch.select(pieces(STEREO)))


@pytest.mark.parametrize(
    ("ref", "error", "message"),
    [
        ({"start_ms": 1000}, UndecodableAudio, "truncated at 1000 ms, 500 ms before the end"),
        ({"start_ms": 990}, UndecodableAudio, "the range from 990 ms is missing"),
        ({"start_ms": 1400}, UndecodableAudio, "truncated at 1000 ms"),
        ({"start_ms": 1100, "end_ms": 1200}, UndecodableAudio, "damaged at 1000 ms"),
        ({"start_ms": 1500}, AudioTooShort, "the audio ends at 1500 ms"),
        ({"start_ms": 1480}, AudioTooShort, "the audio ends at 1500 ms"),
        ({"start_ms": 1100, "end_ms": 1110}, AudioTooShort, "the audio ends at 1500 ms"),
    ],
)
def test_a_range_beyond_the_point_where_a_file_is_truncated_is_missing(
    ref: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The recording ends at 1500 ms: 200 ms are damaged, the last 300 ms are not in the file."""
    ends = [
        AudioPiece(STEREO[:, :0], 8_000, 3200),
        AudioPiece(STEREO[:, :0], 8_000, 4800, is_truncated=True),
    ]
    stretch = AudioRange(selection(**ref))
    with pytest.raises(error, match=message):
        list(stretch.select([*pieces(STEREO), *ends]))


def test_a_range_in_a_damaged_end_is_missing() -> None:
    stretch = AudioRange(selection(start_ms=1000))
    with pytest.raises(UndecodableAudio, match="damaged at 1000 ms"):
        list(stretch.select([*pieces(STEREO), AudioPiece(STEREO[:, :0], 8_000, 3200)]))


def test_parts_that_are_missing_at_the_end_follow_each_other() -> None:
    ends = [
        AudioPiece(STEREO[:, :0], 8_000, 3200),
        AudioPiece(STEREO[:, :0], 8_000, 4800, is_truncated=True),
    ]
    stretch = AudioRange(selection(start_ms=500, end_ms=1300))
    list(stretch.select([*pieces(STEREO), *ends]))
    assert stretch.facts
    assert (stretch.facts.lost_ms, stretch.facts.truncated_ms) == (300, 100)


def test_a_missing_channel_is_rejected() -> None:
    with pytest.raises(UndecodableAudio, match="no channel 2: the file has 2"):
        list(AudioRange(selection(channel=2)).select(pieces(STEREO)))


def test_facts_of_a_file_are_unknown_before_its_end() -> None:
    stretch = AudioRange(selection())
    blocks = stretch.select(pieces(STEREO))
    assert stretch.facts is None
    next(blocks)
    assert stretch.facts is None
    list(blocks)
    assert stretch.facts


@pytest.mark.parametrize("size", [1, 7, 999, 1000, 1001, 16_000])
def test_blocks_are_even_and_lose_nothing(size: int) -> None:
    blocks = list(in_blocks((piece.planes for piece in pieces(STEREO)), size))
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), STEREO)
    assert {block.shape[1] for block in blocks[:-1]} <= {size}
    assert 0 < blocks[-1].shape[1] <= size


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "lost_ms", "repaired"),
    [
        (None, None, 350, 2),
        (0, 250, 0, 0),
        (0, 400, 150, 1),
        (300, 350, 50, 1),
        (350, 390, 40, 1),
        (450, 900, 0, 0),
        (450, None, 200, 1),
        (990, 2000, 200, 1),
    ],
)
def test_lost_audio_counts_only_within_the_range(
    start_ms: int | None, end_ms: int | None, lost_ms: int, repaired: int
) -> None:
    """150 ms are lost at 250 ms and replaced by silence in two pieces, and 200 ms at the end."""
    before, silence, after = (tone(seconds) for seconds in (0.25, 0.075, 0.6))
    silent = AudioPiece(silence, 8_000, 1200)
    given = [AudioPiece(before, 8_000), silent, silent, AudioPiece(after, 8_000)]
    end = AudioPiece(after[:, :0], 8_000, 3200)
    stretch = AudioRange(selection(start_ms=start_ms, end_ms=end_ms))
    try:
        list(stretch.select(iter([*given, end])))
    except UndecodableAudio:
        assert start_ms == 990
    assert stretch.facts
    assert (stretch.facts.lost_ms, stretch.facts.duration_ms) == (lost_ms, 1000)
    assert stretch.facts.repaired == repaired
    assert stretch.facts.warnings == (("audio_damaged",) if repaired else ())


def test_a_loss_of_one_sample_is_reported_and_a_missing_end_is_not_a_repair() -> None:
    nothing = tone(0)
    given = [AudioPiece(tone(1), 8_000, 1), AudioPiece(nothing, 8_000, 3200, is_truncated=True)]
    stretch = AudioRange(selection())
    list(stretch.select(given))
    assert stretch.facts == AudioFacts(
        channels=1, source_rate=8_000, duration_ms=1000, lost_ms=201, repaired=1, truncated_ms=200
    )
    assert stretch.facts.warnings == ("audio_damaged", "audio_truncated")
