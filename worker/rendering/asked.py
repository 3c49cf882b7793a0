"""What the user asked for and what may be read from it: words are there for subtitles anyway."""

import re

from contract.audio_address import default_name
from contract.transcript import Segment, Transcript

_EXTENSION = re.compile(r"(?<=.)\.(?=[0-9]*[A-Za-z])[0-9A-Za-z]{2,4}$")
"""Such as .wav or .3gp; .2024 is part of a name."""
_OF_CHANNEL = re.compile(r"ch([0-9]+)")
"""See worker.hearing.merge_channels."""


def wants_words(transcript: Transcript) -> bool:
    """Whether the user asked for the words and their times."""
    return transcript.receipt.options.get("timestamps") == "word"


def as_asked(transcript: Transcript) -> Transcript:
    """The transcript without words that nobody asked for."""
    if wants_words(transcript):
        return transcript
    bare = tuple(segment.model_copy(update={"words": None}) for segment in transcript.segments)
    return transcript.model_copy(update={"segments": bare})


def audio_ms(transcript: Transcript) -> int:
    """Length of the audio in ms; where it is not known, or less than was heard, the last end."""
    ends = (segment.end_ms for segment in transcript.segments)
    return max(transcript.audio.duration_ms or 0, max(ends, default=0))


def audio_name(transcript: Transcript) -> str:
    """Name of the audio without folders, as one field between spaces."""
    uri = transcript.audio.uri
    return one_field((default_name(uri) or uri).rstrip("/").rpartition("/")[2]) or "audio"


def recording_name(transcript: Transcript) -> str:
    """The same without an extension, as NIST's formats and their tools want it."""
    return _EXTENSION.sub("", audio_name(transcript))


def channel_number(transcript: Transcript, segment: Segment) -> int:
    """Which channel a segment is of, counted from 1.

    Where channels were split and written together, their segments' speakers are ch0, ch1 ...
    """
    merged = _OF_CHANNEL.fullmatch(segment.speaker or "")
    if transcript.audio.channel is None and merged:
        return int(merged[1]) + 1
    return (transcript.audio.channel or 0) + 1


def one_field(text: str) -> str:
    """A text as one field of a line: what was separated by spaces is joined by underscores."""
    return "_".join(text.split())


def speakers_of(transcript: Transcript) -> list[str]:
    """The speakers, in the order in which they first spoke."""
    return list(dict.fromkeys(one.speaker for one in transcript.segments if one.speaker))
