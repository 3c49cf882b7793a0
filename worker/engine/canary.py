"""A clip with known words, transcribed before the first task: a wrong model is found here."""

import json
from pathlib import Path

import numpy as np

from worker.decoding import decode_file
from worker.engine.interface import Engine, Hints, Samples
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


def transcribe_canary(engine: Engine, model_directory: Path) -> str:
    """Transcribe the clip and compare.

    Raises:
        ModelUnusable: when the model's own canary comes out differently.
    """
    clip, expected = canary_of(model_directory)
    with clip.open("rb") as file:
        samples = decode_file(file).samples(None)
    heard = _transcribe(engine, np.ascontiguousarray(samples))
    if expected is not None and heard != expected:
        raise ModelUnusable(f"the canary was to say {expected!r}, but the model heard {heard!r}")
    return heard


def _transcribe(engine: Engine, samples: Samples) -> str:
    spans = engine.find_speech(samples)
    heard = engine.recognise([samples[span.samples] for span in spans], Hints())
    return whole_text(assemble_segments(spans, heard, offset_ms=0, with_words=False))
