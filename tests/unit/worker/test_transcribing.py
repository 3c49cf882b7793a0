"""Which channels and which samples are heard, and how channels become one transcript."""

import numpy as np
import pytest

from contract.job import Options
from contract.transcript import Segment
from tests.unit.examples import a_ref, a_segment
from tests.unit.worker.sounds import tone
from worker.decoding import Audio
from worker.failures import AudioTooShort
from worker.transcribing import Heard, channels_of, cut_stretch, merge_channels

STEREO = Audio(planes=tone(1, channels=2), source_rate=8_000)


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
def test_a_named_channel_beats_the_option(
    channel: int | None, channels: str, chosen: list[int | None]
) -> None:
    options = Options.model_validate({"channels": channels})
    assert channels_of(STEREO, a_ref(channel=channel), options) == chosen


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
def test_a_stretch_is_cut_to_the_sample(
    start_ms: int | None, end_ms: int | None, first: int, count: int
) -> None:
    cut = cut_stretch(STEREO, a_ref(start_ms=start_ms, end_ms=end_ms), 1)
    np.testing.assert_array_equal(cut, STEREO.planes[1][first : first + count])


@pytest.mark.parametrize("ref", [{"start_ms": 976}, {"start_ms": 1000}, {"start_ms": 99_999}])
def test_a_stretch_behind_the_end_says_where_the_audio_ends(ref: dict[str, int]) -> None:
    with pytest.raises(AudioTooShort, match="the audio ends at 1000 ms"):
        cut_stretch(STEREO, a_ref("s3://in/a.wav", **ref), None)


def _heard(channel: int, *segments: Segment) -> Heard:
    return Heard(channel=channel, segments=segments, speech_ms=100)


def test_channels_are_merged_in_order_of_time_with_the_channel_as_speaker() -> None:
    merged = merge_channels(
        [
            _heard(0, a_segment(0, 5, "a"), a_segment(20, 30, "c")),
            _heard(1, a_segment(10, 15, "b", speaker="7")),
        ]
    )
    said = [(s.text, s.speaker) for s in merged.segments]
    assert said == [("a", "ch0"), ("b", "ch1"), ("c", "ch0")]
    assert (merged.channel, merged.speech_ms) == (None, 200)


def test_the_only_channel_of_a_split_file_is_told_in_the_same_way() -> None:
    merged = merge_channels([_heard(0, a_segment(0, 5, "a", speaker="7"))])
    assert [(s.text, s.speaker) for s in merged.segments] == [("a", "ch0")]
    assert (merged.channel, merged.speech_ms) == (None, 100)
