"""Segments in the words of Whisper, which its own JSON and OpenAI's share."""

import math
import zlib
from typing import Any

from contract.transcript import Segment
from worker.rendering.clock import seconds

_LEAST_SCORE = 1e-4
"""Zero has no logarithm."""


def whisper_segment(number: int, segment: Segment, text: str) -> dict[str, Any]:
    """The fields that are known, or follow from what is.

    `seek` counts frames of 10 ms to the window that was recognised: here each segment is its own.
    `tokens` is empty, for no model here has Whisper's. `avg_logprob` is the logarithm of the
    confidence, and missing without one. `temperature` is 0: nothing is sampled.
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
    return {} if score is None else {"avg_logprob": round(math.log(max(score, _LEAST_SCORE)), 4)}


def _compression_ratio(text: str) -> float:
    """Bytes of the text by those of its zlib compression: above 2.4 Whisper calls it repetitive."""
    written = text.encode()
    return round(len(written) / len(zlib.compress(written)), 4)
