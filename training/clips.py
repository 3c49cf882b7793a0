"""The plan of the demo's audio files: the mix of formats, rates and lengths in real backlogs."""

from dataclasses import dataclass
from typing import Literal

from training.formats import Packing
from training.utterances import Utterance, draw_short
from training.vocabulary import Language
from training.voices import voice_names

SEED = 60_260

SPEAKERS = ("f3", "m3", "m7", "steph2", "robert", "grandpa", "victor", "miguel")
"""The clearest held-out variants, for a correct demo; the evaluation uses all of them."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One file with speech: its content and its format."""

    file: str
    """Path below the samples folder."""
    language: Language
    utterances: int = 1
    """Number of utterances, each with another voice."""
    most_digits: int = 8
    """Maximum digits per utterance."""
    packing: Packing
    """Container, codec and rates."""
    picture: bool = False
    """Whether the file also has a small video stream."""


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
"""All files with speech; `silence.flac` and `not-audio.mp3` are created separately."""


Expectation = Literal["ok", "empty", "failed"]


def spoken_in(clip: Clip) -> tuple[Utterance, ...]:
    """Return the utterances of a clip, by held-out voices."""
    voices = voice_names(clip.language, SPEAKERS)
    first = 100 * CLIPS.index(clip)
    return tuple(
        draw_short(SEED, first + place, voices, clip.language, most=clip.most_digits)
        for place in range(clip.utterances)
    )


def reference_text(clip: Clip) -> str:
    """Return the texts of the utterances in order, separated by spaces."""
    return " ".join(utterance.text for utterance in spoken_in(clip))
