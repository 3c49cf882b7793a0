"""The plan of the demo's audio files: formats, rates and lengths that real backlogs mix."""

from dataclasses import dataclass
from typing import Literal

from models.formats import Packing
from models.utterances import Utterance, draw_short
from models.vocabulary import Language
from models.voices import voice_names

SEED = 60_260

SPEAKERS = ("f3", "m3", "m7", "steph2", "robert", "grandpa", "victor", "miguel")
"""The clearest of the held-out variants: a demo must come out right; the examination hears all."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One spoken file: what is in it and how it is packed."""

    file: str
    """Path below the samples folder."""
    language: Language
    utterances: int = 1
    """Number of utterances, each by another voice."""
    most_digits: int = 8
    """Upper limit of digits per utterance."""
    packing: Packing
    """Container, codec and rates."""
    picture: bool = False
    """Whether a tiny video stream runs beside the sound."""


CLIPS = (
    Clip(
        file="pin-code.wav",
        language="en",
        packing=Packing(container="wav", codec="pcm_s16le", rate_hz=16_000),
    ),
    Clip(
        file="calls/voicemail.wav",
        language="en",
        utterances=2,
        packing=Packing(container="wav", codec="pcm_mulaw", rate_hz=8_000),
    ),
    Clip(
        file="calls/hotline.mp3",
        language="zh",
        utterances=3,
        packing=Packing(
            container="mp3", codec="libmp3lame", rate_hz=44_100, stereo=True, bits_per_second=96_000
        ),
    ),
    Clip(
        file="电话号码.m4a",
        language="zh",
        utterances=2,
        packing=Packing(
            container="ipod", codec="aac", rate_hz=48_000, stereo=True, bits_per_second=96_000
        ),
    ),
    Clip(
        file="order-numbers.flac",
        language="en",
        utterances=2,
        packing=Packing(container="flac", codec="flac", rate_hz=22_050),
    ),
    Clip(
        file="reading.ogg",
        language="en",
        utterances=4,
        packing=Packing(container="ogg", codec="libopus", rate_hz=48_000, bits_per_second=32_000),
    ),
    Clip(
        file="counting.opus",
        language="zh",
        utterances=4,
        packing=Packing(container="ogg", codec="libopus", rate_hz=48_000, bits_per_second=24_000),
    ),
    Clip(
        file="browser-recording.webm",
        language="zh",
        utterances=2,
        packing=Packing(container="webm", codec="libopus", rate_hz=48_000, bits_per_second=48_000),
    ),
    Clip(
        file="screen-recording.mp4",
        language="en",
        utterances=3,
        picture=True,
        packing=Packing(
            container="mp4", codec="aac", rate_hz=44_100, stereo=True, bits_per_second=96_000
        ),
    ),
    Clip(
        file="inventory-two-minutes.mp3",
        language="en",
        utterances=26,
        most_digits=14,
        packing=Packing(
            container="mp3", codec="libmp3lame", rate_hz=16_000, bits_per_second=48_000
        ),
    ),
)
"""Everything with speech. `silence.flac` and `not-audio.mp3` are made beside them."""


Expectation = Literal["ok", "empty", "failed"]


def spoken_in(clip: Clip) -> tuple[Utterance, ...]:
    """What is said in a clip, by voices that no model has heard in training."""
    voices = voice_names(clip.language, SPEAKERS)
    first = 100 * CLIPS.index(clip)
    return tuple(
        draw_short(SEED, first + place, voices, clip.language, most=clip.most_digits)
        for place in range(clip.utterances)
    )


def reference_text(clip: Clip) -> str:
    """The utterances in order, a space between them."""
    return " ".join(utterance.text for utterance in spoken_in(clip))
