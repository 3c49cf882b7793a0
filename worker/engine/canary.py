"""A clip with known words, transcribed before the first task: a wrong model is found here."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worker.decoding import decode_file
from worker.engine.interface import Engine, Hints, Samples, find_speech
from worker.failures import ModelUnusable
from worker.planning.assembly import assemble_segments, whole_text


def canary_of(model_directory: Path) -> tuple[Path, str | None]:
    """The clip to try, and what must come out; None when the model ships no canary of its own.

    A model may hold canary.wav and canary.json ({"text": ...}) in its directory or the one above.
    """
    for directory in (model_directory, model_directory.parent):
        clip, words = directory / "canary.wav", directory / "canary.json"
        if clip.exists() and words.exists():
            return clip, str(json.loads(words.read_text())["text"])
    from models import DEMO_CANARY

    return DEMO_CANARY, None


@dataclass(frozen=True)
class Canary:
    """A clip to try, and what must come out; None when that is not known."""

    samples: Samples
    expected: str | None


def load_canary(model_directory: Path) -> Canary:
    """The canary that belongs to the model, decoded."""
    clip, expected = canary_of(model_directory)
    with clip.open("rb") as file:
        samples = decode_file(file).samples(None)
    return Canary(np.ascontiguousarray(samples), expected)


def transcribe_canary(engine: Engine, canary: Canary) -> str:
    """Transcribe the clip and compare.

    Raises:
        ModelUnusable: when the model's own canary comes out differently.
    """
    clips = find_speech(engine.listen(), canary.samples)
    said, spans = engine.recognise(clips, Hints()), [clip.span for clip in clips]
    heard = whole_text(assemble_segments(spans, said, offset_ms=0, with_words=False))
    if canary.expected is not None and heard != canary.expected:
        raise ModelUnusable(
            f"the canary was to say {canary.expected!r}, but the model heard {heard!r}"
        )
    return heard
