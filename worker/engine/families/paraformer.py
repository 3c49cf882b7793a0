"""Paraformer and its variants: text, and `timestamp` as [start, end] in ms per token."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.engine.families.interface import Family
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.tokens import join_texts, split_words

if TYPE_CHECKING:
    import torch


def generate_options(hints: Hints) -> dict[str, Any]:
    """Request word times (plain Paraformer needs output_timestamp) and pass the hotwords."""
    # FunASR splits the string at spaces, but downloads one that begins with http: prepend a space
    hotword = {"hotword": f" {' '.join(hints.hotwords)}" if hints.hotwords else None}
    return {"output_timestamp": hints.word_times, "pred_timestamp": hints.word_times, **hotword}


def prepare(model: Any) -> None:
    """Zero the encoder output after each clip's end, and record the decoder's confidence.

    The predictor looks ahead. In a batch, the padding would otherwise change a clip's last words.
    """
    import torch

    encode = model.encode

    def encode_masked(*args: Any, **kwargs: Any) -> Any:
        encoded, lengths, *rest = encode(*args, **kwargs)
        if isinstance(encoded, tuple):  # with outputs of intermediate layers
            encoded = encoded[0]
        positions = torch.arange(encoded.shape[1], device=encoded.device)
        is_padding = positions >= lengths.to(encoded.device)[:, None]
        # fp32, because CIF would otherwise mix two dtypes
        return (encoded.float().masked_fill(is_padding[..., None], 0.0), lengths, *rest)

    model.encode = encode_masked
    _record_confidences(model)


def read_result(result: dict[str, Any], confidence: float | None = None) -> Recognition:
    """Parse one item of generate's result, without FunASR's spaces between Han characters."""
    words = split_words(str(result.get("text", "")))
    return Recognition(
        text=join_texts(words),
        words=_pair(words, result.get("timestamp")),
        confidence=confidence if words else None,
    )


def _pair(words: list[str], times: object) -> tuple[Word, ...] | None:
    """Words with their times; None when the model returned none, or not one per word."""
    if not isinstance(times, list) or len(times) != len(words):
        return None
    return tuple(
        Word(text=word, start_ms=int(start), end_ms=max(int(start), int(end)))
        for word, (start, end) in zip(words, times, strict=True)
    )


def _record_confidences(model: Any) -> None:
    """Keep the decoder's confidence per clip of the last batch in `model.fleet_confidences`."""
    name = next(name for name in _DECODERS if hasattr(model, name))
    decode = getattr(model, name)
    model.fleet_confidences = []

    def decode_and_record(*args: Any, **kwargs: Any) -> Any:
        result = decode(*args, **kwargs)
        scores = result[0] if isinstance(result, tuple) else result
        lengths = args[3]  # of both methods
        means = mean_score(scores.max(-1).values, lengths)
        model.fleet_confidences[:] = read_confidence(means, lengths.tolist())
        return result

    setattr(model, name, decode_and_record)


@contextlib.contextmanager
def capture_scores(model: Any) -> Iterator[list[float | None]]:
    """Yield a list that receives each clip's confidence, which FunASR's results leave out."""
    confidences: list[float | None] = getattr(model, "fleet_confidences", [])
    confidences.clear()
    yield confidences


_DECODERS = ("_seaco_decode_with_ASF", "cal_decoder_with_predictor")
"""Methods that return the scores; the first one that a model has is used."""


def mean_score(best: "torch.Tensor", counts: "torch.Tensor") -> "torch.Tensor":
    """The mean log probability of each clip's tokens, a tensor of shape (clips,).

    Args:
        best: log probability of each token, a tensor of shape (clips, max tokens).
        counts: number of tokens per clip, a tensor of shape (clips,).
    """
    import torch

    counts = counts.to(best.device)
    mask = (torch.arange(best.shape[1], device=best.device) < counts[:, None]).float()
    return (best.float() * mask).sum(1) / counts.clamp(min=1)


def read_confidence(scores: "torch.Tensor", counts: Sequence[int]) -> list[float | None]:
    """The geometric mean of the tokens' probabilities, 0-1; None for a clip without tokens."""
    means = scores.exp().tolist()
    return [round(mean, 4) if count else None for mean, count in zip(means, counts, strict=True)]


def narrow_abilities(can: Abilities, model: Any) -> Abilities:
    """Exclude word times for a SentencePiece tokenizer: FunASR returns none for such models."""
    has_sentencepiece = hasattr(model.kwargs.get("tokenizer"), "bpemodel")
    return can.model_copy(update={"word_times": False}) if has_sentencepiece else can


_HOTWORDS_FILTERED = 50
"""From this many hotwords on, SeACo keeps only those that match the first clip of a batch."""


BICIF = Family(
    title="Paraformer with word times (BiCif)",
    classes=frozenset({"BiCifParaformer"}),
    examples=("iic/speech_paraformer-large-vad-punc_asr_nat-zh-cn-16k-common-vocab8404-pytorch",),
    can=Abilities(word_times=True, confidence=True),
    generate_options=generate_options,
    read=read_result,
    prepare=prepare,
    narrow_abilities=narrow_abilities,
    capture_confidences=capture_scores,
    note="fast path; the embedded demo model is of this family",
)
SEACO = replace(
    BICIF,
    title="Paraformer with hotwords (SeACo)",
    classes=frozenset({"SeacoParaformer"}),
    examples=("paraformer-zh", "iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common"),
    files="`model.pt`, `tokens.json`, `am.mvn`, `seg_dict`",
    can=Abilities(word_times=True, confidence=True, hotwords=True),
    needs_single_clips=lambda hints: len(hints.hotwords) >= _HOTWORDS_FILTERED,
    note="fast path; with hotwords, FunASR's own inference",
)
PLAIN = replace(
    BICIF,
    title="Paraformer",
    classes=frozenset({"Paraformer", "EParaformer"}),
    examples=("paraformer-en", "iic/speech_paraformer-large_asr_nat-zh-cn-16k-common"),
    note="word times from the predictor's CIF, coarser than BiCif's",
)
CONTEXTUAL = replace(
    BICIF,
    title="Paraformer with hotwords (contextual)",
    classes=frozenset({"ContextualParaformer"}),
    examples=("iic/speech_paraformer-large-contextual_asr_nat-zh-cn-16k-common-vocab8404",),
    files="`model.pt`, `tokens.json`, `am.mvn`, `seg_dict`",
    can=Abilities(hotwords=True, confidence=True),
    note="",
)
