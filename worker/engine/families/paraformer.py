"""Paraformer and its variants: text, and `timestamp` as [start, end] in ms per token."""

from typing import Any

from contract.transcript import Word
from worker.planning.assembly import Recognition
from worker.planning.words import join_texts, split_words

GENERATE_OPTIONS: dict[str, Any] = {"output_timestamp": True, "pred_timestamp": True}
"""What makes every variant give times: plain Paraformer wants the first, BiCif ignores both."""


def read_result(result: dict[str, Any]) -> Recognition:
    """One item of what generate returns. FunASR puts spaces between Han characters; we do not."""
    words = split_words(str(result.get("text", "")))
    return Recognition(text=join_texts(words), words=_pair(words, result.get("timestamp")))


def _pair(words: list[str], times: Any) -> tuple[Word, ...] | None:
    """Words with their times; None when the model gave none, or not one per word."""
    if not isinstance(times, list) or len(times) != len(words):
        return None
    return tuple(
        Word(text=word, start_ms=int(start), end_ms=max(int(start), int(end)))
        for word, (start, end) in zip(words, times, strict=True)
    )
