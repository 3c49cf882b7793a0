"""Fun-ASR-Nano: a language model behind an audio encoder; language and hotwords are its prompt."""

from typing import Any

from contract.abilities import Abilities
from contract.transcript import Word
from worker.engine.families.interface import Family
from worker.engine.interface import Hints, Samples
from worker.planning.assembly import Recognition

LANGUAGES = {
    "zh": "\u4e2d\u6587",
    "en": "\u82f1\u6587",
    "ja": "\u65e5\u6587",
    "yue": "\u7ca4\u8bed",
    "ko": "\u97e9\u6587",
    "vi": "\u8d8a\u5357\u8bed",
    "id": "\u5370\u5c3c\u8bed",
    "th": "\u6cf0\u8bed",
    "ms": "\u9a6c\u6765\u8bed",
    "tl": "\u83f2\u5f8b\u5bbe\u8bed",
    "ar": "\u963f\u62c9\u4f2f\u8bed",
    "hi": "\u5370\u5730\u8bed",
}
"""Code -> the name that its prompt is trained with."""


def ask(hints: Hints) -> dict[str, Any]:
    """No string of a user but language and hotwords gets into the prompt; see contract.job."""
    return {
        "language": LANGUAGES[hints.language] if hints.language else None,
        "hotwords": list(hints.hotwords),
        "itn": hints.itn is not False,
        "llm_dtype": "fp32",  # FLEET_PRECISION decides
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
    for token in tokens:
        piece = str(token["token"])
        start_ms, end_ms = _ms(token["start_time"]), _ms(token["end_time"])
        said = piece.replace("\u2581", " ")
        if not any(character.isalnum() for character in said):
            continue
        goes_on = words and not said.startswith(" ") and said.isascii() and words[-1].text.isascii()
        if goes_on:
            last = words.pop()
            said, start_ms = last.text + said, last.start_ms
        words.append(Word(text=said.strip(), start_ms=start_ms, end_ms=max(start_ms, end_ms)))
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
        model.ctc_decoder = None


def narrowed(can: Abilities, model: Any) -> Abilities:
    """Times come from a CTC decoder, which not every model has; with it clips go one by one."""
    with_times = model.ctc_decoder is not None
    return can.model_copy(update={"word_times": with_times, "batch": not with_times})


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
    note="word times where it has a CTC decoder and torchaudio is there; then clip by clip",
)
