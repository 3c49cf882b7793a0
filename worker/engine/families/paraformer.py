"""Paraformer and its variants: text, and `timestamp` as [start, end] in ms per token."""

import contextlib
from collections.abc import Iterator, Sequence
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
    # FunASR fetches a string that begins with http, and splits it at spaces: so one goes before
    hotword = {"hotword": f" {' '.join(hints.hotwords)}" if hints.hotwords else None}
    return {"output_timestamp": hints.word_times, "pred_timestamp": hints.word_times, **hotword}


def prepare(model: Any) -> None:
    """Let nothing behind a clip be seen: in a batch it would be what its neighbours pad it with.

    The predictor looks ahead, and what it saw there would change a clip's last words.
    """
    import torch

    encode = model.encode

    def encode_alone(*given: Any, **named: Any) -> Any:
        encoded, lengths, *rest = encode(*given, **named)
        if isinstance(encoded, tuple):  # with what layers in between say, which nobody asks for
            encoded = encoded[0]
        places = torch.arange(encoded.shape[1], device=encoded.device)
        beyond = places >= lengths.to(encoded.device)[:, None]
        # in fewer bits, firing would mix two kinds of numbers
        return (encoded.float().masked_fill(beyond[..., None], 0.0), lengths, *rest)

    model.encode = encode_alone


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
    name = next(name for name in _DECODERS if hasattr(model, name))
    decode = getattr(model, name)

    def decode_and_tell(*given: Any, **named: Any) -> Any:
        said = decode(*given, **named)
        scores = said[0] if isinstance(said, tuple) else said
        heard[:] = read_confidence(mean_score(scores.max(-1).values, given[3]), given[3].tolist())
        return said

    with mock.patch.object(model, name, decode_and_tell):
        yield heard


_DECODERS = ("_seaco_decode_with_ASF", "cal_decoder_with_predictor")
"""What gives the scores, the first of these that a model has; the fourth argument is lengths."""


def mean_score(best: Any, counts: Any) -> Any:
    """The mean of the chosen tokens' log probabilities, a tensor of shape (clips,).

    Args:
        best: of each token, a tensor of shape (clips, most tokens).
        counts: tokens of each clip, a tensor of shape (clips,).
    """
    import torch

    counts = counts.to(best.device)
    within = (torch.arange(best.shape[1], device=best.device) < counts[:, None]).float()
    return (best.float() * within).sum(1) / counts.clamp(min=1)


def read_confidence(scores: Any, counts: Sequence[int]) -> list[float | None]:
    """The geometric mean of the tokens' probabilities, 0-1; None for a clip without tokens."""
    means = scores.exp().tolist()
    return [round(mean, 4) if count else None for mean, count in zip(means, counts, strict=True)]


def narrowed(can: Abilities, model: Any) -> Abilities:
    """FunASR gives no times where words are cut into pieces of sentencepiece."""
    pieces = hasattr(model.kwargs.get("tokenizer"), "bpemodel")
    return can.model_copy(update={"word_times": False}) if pieces else can


_HOTWORDS_FILTERED = 50
"""From so many on SeACo looks only at those that fit the first clip of a batch."""


BICIF = Family(
    title="Paraformer with word times (BiCif)",
    classes=frozenset({"BiCifParaformer"}),
    examples=("iic/speech_paraformer-large-vad-punc_asr_nat-zh-cn-16k-common-vocab8404-pytorch",),
    can=Abilities(word_times=True, confidence=True),
    ask=ask,
    read=read_result,
    prepare=prepare,
    narrowed=narrowed,
    overhear=overhear_scores,
    note="the fast path; the embedded demo model is one",
)
SEACO = replace(
    BICIF,
    title="Paraformer with hotwords (SeACo)",
    classes=frozenset({"SeacoParaformer"}),
    examples=("paraformer-zh", "iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common"),
    can=Abilities(word_times=True, confidence=True, hotwords=True),
    alone=lambda hints: len(hints.hotwords) >= _HOTWORDS_FILTERED,
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
