"""Fields that several formats write: names, channels, speakers and times of a transcript.

A transcript may have words that were not requested, because subtitles need them. Times are
formatted with integers only: with floats, 0.6 % of them are off by one millisecond.
"""

import re

from funasr_fleet.contract.audio_address import default_name
from funasr_fleet.contract.transcript import Segment, Transcript

_EXTENSION = re.compile(r"(?<=.)\.(?=[0-9]*[A-Za-z])[0-9A-Za-z]{2,4}$")
"""Such as .wav or .3gp; .2024 is not an extension."""
_CHANNEL_SPEAKER = re.compile(r"ch([0-9]+)")
"""Speaker names that worker.pipeline.file_state.merge_channels gives to channels."""


def wants_words(transcript: Transcript) -> bool:
    """Whether word times were requested."""
    return transcript.receipt.options.get("timestamps") == "word"


def as_requested(transcript: Transcript) -> Transcript:
    """The transcript, without words if these were not requested."""
    if wants_words(transcript):
        return transcript
    segments = tuple(segment.model_copy(update={"words": None}) for segment in transcript.segments)
    return transcript.model_copy(update={"segments": segments})


def audio_ms(transcript: Transcript) -> int:
    """Length of the audio in ms, at least the end of the last segment."""
    ends = (segment.end_ms for segment in transcript.segments)
    return max(transcript.audio.duration_ms or 0, max(ends, default=0))


def audio_name(transcript: Transcript) -> str:
    """File name of the audio without folders; whitespace is replaced by underscores."""
    uri = transcript.audio.uri
    return one_field((default_name(uri) or uri).rstrip("/").rpartition("/")[2]) or "audio"


def recording_name(transcript: Transcript) -> str:
    """audio_name without its extension, as NIST's formats and tools require."""
    return _EXTENSION.sub("", audio_name(transcript))


def channel_number(transcript: Transcript, segment: Segment) -> int:
    """Channel of a segment, counted from 1.

    When split channels are merged into one transcript, its speakers are ch0, ch1 ...
    """
    merged = _CHANNEL_SPEAKER.fullmatch(segment.speaker or "")
    if transcript.audio.channel is None and merged:
        return int(merged[1]) + 1
    return (transcript.audio.channel or 0) + 1


def one_field(text: str) -> str:
    """A text as one field of a line: whitespace is replaced by underscores."""
    return "_".join(text.split())


def speakers_of(transcript: Transcript) -> list[str]:
    """The speakers, in the order in which they first spoke."""
    return list(dict.fromkeys(one.speaker for one in transcript.segments if one.speaker))


def clock_time(ms: int, separator: str) -> str:
    """1234567 -> 00:20:34<separator>567; hours may have more than two digits."""
    seconds, millis = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{millis:03}"


def decimal_seconds(ms: int) -> str:
    """1234567 -> 1234.567, always with three decimals."""
    seconds, millis = divmod(ms, 1000)
    return f"{seconds}.{millis:03}"


def seconds(ms: int) -> float:
    """1234567 -> 1234.567 as a number for JSON; the nearest double prints as this decimal."""
    return ms / 1000
