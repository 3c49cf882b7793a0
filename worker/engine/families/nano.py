"""Fun-ASR-Nano: a language model behind an audio encoder; language and hotwords are its prompt."""

import logging
from typing import Any

from contract.abilities import Abilities
from contract.transcript import Word
from worker.engine.families.interface import Family
from worker.engine.interface import Hints, Samples
from worker.planning.assembly import Recognition

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
"""Code -> the name that the prompt is trained with; of Fun-ASR-Nano, and 28 more of its MLT."""


def ask(hints: Hints) -> dict[str, Any]:
    """No string of a user but language and hotwords gets into the prompt; see contract.job."""
    return {
        "language": LANGUAGES[hints.language] if hints.language else None,
        "hotwords": list(hints.hotwords),
        "itn": hints.itn is not False,
    }


def read_result(result: dict[str, Any], _overheard: Any = None) -> Recognition:
    """One item of what generate returns; `timestamps` are in seconds, where there are any."""
    text = " ".join(str(result.get("text", "")).split())
    return Recognition(text=text, words=read_words(result.get("timestamps")) if text else None)


def read_words(tokens: Any) -> tuple[Word, ...] | None:
    """Tokens with times in s -> words: a token without a space before it goes on with its word."""
    if not isinstance(tokens, list) or not tokens:
        return None
    words: list[Word] = []
    open_word = False
    for token in tokens:
        said = str(token["token"]).replace("\u2581", " ")
        start_ms, end_ms = _ms(token["start_time"]), _ms(token["end_time"])
        if not any(character.isalnum() for character in said):
            open_word = False
            continue
        if open_word and said.isascii() and not said.startswith(" "):
            last = words.pop()
            said, start_ms = last.text + said, last.start_ms
        words.append(Word(text=said.strip(), start_ms=start_ms, end_ms=max(start_ms, end_ms)))
        open_word = said.isascii()
    return tuple(words)


def _ms(seconds: Any) -> int:
    return round(float(seconds) * 1000)


def take(samples: Samples) -> Any:
    """FunASR wraps strings and tensors in its prompt, and nothing else."""
    import torch

    return torch.from_numpy(samples)


def prepare(model: Any) -> None:
    """FunASR's alignment needs torchaudio, and loses the text of every clip without it."""
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError):  # there is a build of it for each of torch's
        if model.ctc_decoder is not None:
            log.warning("no word times: torchaudio is not there, or does not fit torch")
        model.ctc_decoder = None


def narrowed(can: Abilities, model: Any) -> Abilities:
    """Times come from a CTC decoder, which not every model has; with it clips go one by one."""
    with_times = model.model.ctc_decoder is not None
    many = "MLT" in str(model.kwargs.get("model_path"))
    known = LANGUAGES if many else _OF_NANO
    return can.model_copy(
        update={"word_times": with_times, "batch": not with_times, "languages": tuple(known)}
    )


def loaded_apart(model: Any) -> frozenset[str]:
    """A CTC decoder may come from a file of its own; FunASR leaves out one that is not whole."""
    return frozenset(getattr(model.model, "_externally_loaded_ctc_keys", ()))


NANO = Family(
    title="Fun-ASR-Nano",
    classes=frozenset({"FunASRNano"}),
    examples=("FunAudioLLM/Fun-ASR-Nano-2512", "FunAudioLLM/Fun-ASR-MLT-Nano-2512"),
    can=Abilities(
        word_times=True,
        languages=tuple(LANGUAGES),
        hotwords=True,
        itn=True,
        punctuation=True,
    ),
    ask=ask,
    read=read_result,
    narrowed=narrowed,
    prepare=prepare,
    take=take,
    loaded_apart=loaded_apart,
    longest_s=30.0,
    note="31 languages are those of Fun-ASR-MLT-Nano, the other knows zh, en, ja; word times where "
    "it has a CTC decoder and torchaudio is there, then clip by clip; speech is cut to 30 s",
)
