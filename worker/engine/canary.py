"""Transcribe a clip with known text before the first task, to detect a wrong model."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.engine.interface import Engine, Hints, Samples, find_speech
from funasr_fleet.worker.errors import ModelUnusable
from funasr_fleet.worker.text.segments import assemble_segments, whole_text
from funasr_fleet.worker.text.spans import SAMPLE_RATE


def canary_of(model_directory: Path) -> tuple[Path, str | None]:
    """The canary clip of a model and its expected text.

    A model may ship canary.wav and canary.json ({"text": ...}) in its directory or the parent.
    Otherwise the demo clip is used, and the expected text is None.
    """
    for directory in (model_directory, model_directory.parent):
        clip, transcript_file = directory / "canary.wav", directory / "canary.json"
        if clip.exists() and transcript_file.exists():
            return clip, str(json.loads(transcript_file.read_text())["text"])
    from funasr_fleet.demo_model import DEMO_CANARY

    return DEMO_CANARY, None


@dataclass(frozen=True)
class Canary:
    """A decoded canary clip."""

    samples: Samples
    expected: str | None
    """The expected text; None when it is not known."""

    @property
    def seconds(self) -> float:
        """Length of the clip in s."""
        return len(self.samples) / SAMPLE_RATE


def load_canary(model_directory: Path) -> Canary:
    """Decode the canary of a model; see canary_of."""
    clip, expected = canary_of(model_directory)
    with clip.open("rb") as file:
        samples = decode_file(file).samples(None)
    return Canary(np.ascontiguousarray(samples), expected)


def transcribe_canary(engine: Engine, canary: Canary) -> str:
    """Transcribe the canary, compare the text with the expected one, and return it.

    Raises:
        ModelUnusable: the text differs from the expected one.
    """
    clips = find_speech(engine.start_vad(), canary.samples)
    recognitions, spans = engine.recognise(clips, Hints()), [clip.span for clip in clips]
    text = whole_text(assemble_segments(spans, recognitions, offset_ms=0, with_words=False))
    if canary.expected is not None and text != canary.expected:
        raise ModelUnusable(
            f"canary mismatch: expected {canary.expected!r}, but the model transcribed {text!r}"
        )
    return text
