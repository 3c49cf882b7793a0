"""Paraformer and its variants: text, and `timestamp` as [start, end] in ms per token."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

from contract.abilities import Abilities
from contract.transcript import Word
from worker.engine.families.interface import Family
from worker.engine.interface import Hints
from worker.planning.assembly import Recognition
from worker.planning.words import join_texts, split_words


def ask(hints: Hints) -> dict[str, Any]:
    """What makes every variant give times: plain Paraformer wants the first, BiCif ignores both."""
    # a hotword of another call sticks, unless there is one in each
    hotword = {"hotword": " ".join(hints.hotwords) or None}
    return {"output_timestamp": True, "pred_timestamp": True, **hotword}


def read_result(result: dict[str, Any], confidence: Any = None) -> Recognition:
    """One item of what generate returns. FunASR puts spaces between Han characters; we do not."""
    words = split_words(str(result.get("text", "")))
    return Recognition(
        text=join_texts(words),
        words=_pair(words, result.get("timestamp")),
        confidence=confidence if words else None,
    )


def _pair(words: list[str], times: Any) -> tuple[Word, ...] | None:
    """Words with their times; None when the model gave none, or not one per word."""
    if not isinstance(times, list) or len(times) != len(words):
        return None
    return tuple(
        Word(text=word, start_ms=int(start), end_ms=max(int(start), int(end)))
        for word, (start, end) in zip(words, times, strict=True)
    )


@contextlib.contextmanager
def overhear_scores(model: Any) -> Iterator[list[float | None]]:
    """How sure the decoder is of each clip, which FunASR computes and does not tell."""
    heard: list[float | None] = []
    decode = model.cal_decoder_with_predictor

    def decode_and_tell(*given: Any, **named: Any) -> Any:
        said = decode(*given, **named)
        heard[:] = mean_confidence(said[0], given[3])
        return said

    with mock.patch.object(model, "cal_decoder_with_predictor", decode_and_tell):
        yield heard


def mean_confidence(scores: Any, counts: Any) -> list[float | None]:
    """The geometric mean of the chosen tokens' probabilities, 0-1; None for no token.

    Args:
        scores: log probabilities, a tensor of shape (clips, tokens, vocabulary).
        counts: tokens of each clip, a tensor of shape (clips,).
    """
    best = scores.float().max(-1).values.cpu()
    return [
        round(float(row[:count].mean().exp()), 4) if count else None
        for row, count in zip(best, counts.tolist(), strict=True)
    ]


BICIF = Family(
    title="Paraformer with word times (BiCif)",
    classes=frozenset({"BiCifParaformer"}),
    examples=("iic/speech_paraformer-large-vad-punc_asr_nat-zh-cn-16k-common-vocab8404-pytorch",),
    can=Abilities(word_times=True, confidence=True),
    ask=ask,
    read=read_result,
    overhear=overhear_scores,
    note="the fast path; the embedded demo model is one",
)
SEACO = replace(
    BICIF,
    title="Paraformer with hotwords (SeACo)",
    classes=frozenset({"SeacoParaformer"}),
    examples=("paraformer-zh", "iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common"),
    can=Abilities(word_times=True, confidence=True, hotwords=True),
    note="the fast path, but with hotwords FunASR's own",
)
PLAIN = replace(
    BICIF,
    title="Paraformer",
    classes=frozenset({"Paraformer", "EParaformer"}),
    examples=("paraformer-en", "iic/speech_paraformer-large_asr_nat-zh-cn-16k-common"),
    note="word times from its own firing, coarser than BiCif's",
)
CONTEXTUAL = replace(
    BICIF,
    title="Paraformer with hotwords (contextual)",
    classes=frozenset({"ContextualParaformer"}),
    examples=("iic/speech_paraformer-large-contextual_asr_nat-zh-cn-16k-common-vocab8404",),
    can=Abilities(hotwords=True, confidence=True),
    note="",
)
