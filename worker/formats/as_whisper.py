"""Whisper's segment fields, common to openai-whisper's JSON and OpenAI's verbose_json."""

import math
import zlib
from typing import Any

from funasr_fleet.contract.transcript import Segment
from funasr_fleet.worker.formats.timestamps import seconds

_MIN_SCORE = 1e-4
"""Zero has no logarithm."""


def whisper_segment(number: int, segment: Segment, text: str) -> dict[str, Any]:
    """The fields of a Whisper segment that are known or can be derived.

    `seek` is the start of the recognised window in frames of 10 ms; here each segment is a window.
    `tokens` is empty, because no other model has Whisper's tokens. `avg_logprob` is the logarithm
    of the confidence and is omitted without a confidence. `temperature` is 0: no sampling.
    """
    return {
        "id": number,
        "seek": segment.start_ms // 10,
        "start": seconds(segment.start_ms),
        "end": seconds(segment.end_ms),
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        **_avg_logprob(segment.confidence),
        "compression_ratio": _compression_ratio(segment.text),
    }


def _avg_logprob(score: float | None) -> dict[str, float]:
    return {} if score is None else {"avg_logprob": round(math.log(max(score, _MIN_SCORE)), 4)}


def _compression_ratio(text: str) -> float:
    """Size of the text divided by its zlib size; above 2.4 Whisper regards it as repetitive."""
    encoded = text.encode()
    return round(len(encoded) / len(zlib.compress(encoded)), 4)
