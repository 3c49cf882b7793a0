"""Fun-ASR-Nano: an audio encoder and a language model, whose prompt contains the options."""

import logging
from typing import Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.engine.families.interface import Family
from funasr_fleet.worker.engine.interface import Hints, Samples
from funasr_fleet.worker.text.segments import Recognition

log = logging.getLogger(__name__)

_OF_NANO = {"zh": "\u4e2d\u6587", "en": "\u82f1\u6587", "ja": "\u65e5\u6587"}
_OF_MLT = {
    "yue": "\u7ca4\u8bed",
    "ko": "\u97e9\u6587",
    "vi": "\u8d8a\u5357\u8bed",
    "id": "\u5370\u5c3c\u8bed",
    "th": "\u6cf0\u8bed",
    "ms": "\u9a6c\u6765\u8bed",
    "tl": "\u83f2\u5f8b\u5bbe\u8bed",
    "ar": "\u963f\u62c9\u4f2f\u8bed",
    "hi": "\u5370\u5730\u8bed",
    "bg": "\u4fdd\u52a0\u5229\u4e9a\u8bed",
    "hr": "\u514b\u7f57\u5730\u4e9a\u8bed",
    "cs": "\u6377\u514b\u8bed",
    "da": "\u4e39\u9ea6\u8bed",
    "nl": "\u8377\u5170\u8bed",
    "et": "\u7231\u6c99\u5c3c\u4e9a\u8bed",
    "fi": "\u82ac\u5170\u8bed",
    "el": "\u5e0c\u814a\u8bed",
    "hu": "\u5308\u7259\u5229\u8bed",
    "ga": "\u7231\u5c14\u5170\u8bed",
    "lv": "\u62c9\u8131\u7ef4\u4e9a\u8bed",
    "lt": "\u7acb\u9676\u5b9b\u8bed",
    "mt": "\u9a6c\u8033\u4ed6\u8bed",
    "pl": "\u6ce2\u5170\u8bed",
    "pt": "\u8461\u8404\u7259\u8bed",
    "ro": "\u7f57\u9a6c\u5c3c\u4e9a\u8bed",
    "sk": "\u65af\u6d1b\u4f10\u514b\u8bed",
    "sl": "\u65af\u6d1b\u6587\u5c3c\u4e9a\u8bed",
    "sv": "\u745e\u5178\u8bed",
}
LANGUAGES = _OF_NANO | _OF_MLT
"""Code -> name used in the training prompts: 3 of Fun-ASR-Nano, and 28 more of Fun-ASR-MLT-Nano."""


def generate_options(hints: Hints) -> dict[str, Any]:
    """Language, hotwords and itn, which go into the prompt; contract.job validates them."""
    return {
        "language": LANGUAGES[hints.language] if hints.language else None,
        "hotwords": list(hints.hotwords),
        "itn": hints.itn is not False,
    }


def read_result(result: dict[str, Any], _confidence: float | None = None) -> Recognition:
    """Parse one item of generate's result; `timestamps`, if present, are in seconds."""
    text = " ".join(str(result.get("text", "")).split())
    return Recognition(text=text, words=read_words(result.get("timestamps")) if text else None)


def read_words(tokens: object) -> tuple[Word, ...] | None:
    """Tokens with times in s -> words. An ASCII token without a leading space continues a word."""
    if not isinstance(tokens, list) or not tokens:
        return None
    words: list[Word] = []
    open_word = False
    for token in tokens:
        piece = str(token["token"]).replace("\u2581", " ")
        start_ms, end_ms = (round(float(token[at]) * 1000) for at in ("start_time", "end_time"))
        if not any(character.isalnum() for character in piece):
            open_word = False
            continue
        if open_word and piece.isascii() and not piece.startswith(" "):
            last = words.pop()
            piece, start_ms = last.text + piece, last.start_ms
        words.append(Word(text=piece.strip(), start_ms=start_ms, end_ms=max(start_ms, end_ms)))
        open_word = piece.isascii()
    return tuple(words)


def to_input(samples: Samples) -> object:
    """Convert to a tensor: FunASR's prompt accepts only strings and tensors."""
    import torch

    return torch.from_numpy(samples)


def prepare(model: Any) -> None:
    """Disable word times if torchaudio is missing: FunASR's alignment would lose all text."""
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError):  # OSError: built for another version of torch
        if model.ctc_decoder is not None:
            log.warning("word times disabled: torchaudio is missing or does not match torch")
        model.ctc_decoder = None


def narrow_abilities(can: Abilities, model: Any) -> Abilities:
    """Allow word times only with a CTC decoder, batching only without one; set the languages."""
    with_times = model.model.ctc_decoder is not None
    multilingual = "MLT" in str(model.kwargs.get("model_path"))
    languages = LANGUAGES if multilingual else _OF_NANO
    return can.model_copy(
        update={"word_times": with_times, "batch": not with_times, "languages": tuple(languages)}
    )


def externally_loaded(model: Any) -> frozenset[str]:
    """The CTC decoder may have its own file; FunASR drops the decoder if the file is incomplete."""
    return frozenset(getattr(model.model, "_externally_loaded_ctc_keys", ()))


NANO = Family(
    title="Fun-ASR-Nano",
    classes=frozenset({"FunASRNano"}),
    examples=("FunAudioLLM/Fun-ASR-Nano-2512", "FunAudioLLM/Fun-ASR-MLT-Nano-2512"),
    files="`model.pt`, the folder of the language model (`Qwen3-0.6B`: configuration, tokenizer)",
    can=Abilities(
        word_times=True,
        languages=tuple(LANGUAGES),
        hotwords=True,
        itn=True,
        punctuation=True,
    ),
    generate_options=generate_options,
    read=read_result,
    narrow_abilities=narrow_abilities,
    prepare=prepare,
    to_input=to_input,
    externally_loaded=externally_loaded,
    unread_tensors=("ctc",),  # FunASR drops an incomplete CTC decoder, and then has no word times
    longest_s=30.0,
    note="Fun-ASR-MLT-Nano has 31 languages, Fun-ASR-Nano zh, en and ja; word times need a CTC "
    "decoder and torchaudio, and disable batching; speech is split into clips of at most 30 s",
)
