"""How the channels of a file become one transcript."""

from funasr_fleet.contract.transcript import Segment
from funasr_fleet.worker.pipeline.file_state import ChannelResult, merge_channels
from tests.support.examples import a_segment


def _heard(channel: int, *segments: Segment) -> ChannelResult:
    return ChannelResult(channel=channel, segments=segments, speech_ms=100)


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
