"""Whisper through FunASR, which wraps OpenAI's package: one clip of half a minute at a time."""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from contract.abilities import Abilities
from worker.engine.families.interface import (
    Family,
    everything_apart,
    nothing_apart,
    where_it_was_loaded_from,
)
from worker.engine.families.languages import WHISPER
from worker.engine.interface import Hints
from worker.planning.assembly import Recognition

PREFIX = "Whisper-"
"""How FunASR names those that OpenAI's package fetches by itself."""


def ask(hints: Hints) -> dict[str, Any]:
    """FunASR hands DecodingOptions on to OpenAI's package; hotwords go into the prompt."""
    decoding = {
        "language": hints.language,
        "without_timestamps": True,
        "prompt": " ".join(hints.hotwords) or None,
        "fp16": False,
    }
    return {"DecodingOptions": decoding}


def read_result(result: dict[str, Any], decoded: Any = None) -> Recognition:
    """One item of what generate returns, and what OpenAI's package said besides."""
    text = str(result.get("text", "")).strip()
    if decoded is None or not text:
        return Recognition(text=text)
    return Recognition(
        text=text,
        language=decoded.language,
        confidence=round(math.exp(min(0.0, decoded.avg_logprob)), 4),
    )


@contextlib.contextmanager
def overhear_decoding(model: Any) -> Iterator[list[Any]]:
    """The whole answers of OpenAI's package; FunASR hands on their text alone.

    The package wants the numbers of its weights, whatever FLEET_PRECISION says, and a model for
    English alone wants to be told that it is English.
    """
    import torch
    from funasr.models.whisper.model import whisper

    heard: list[Any] = []
    decode = whisper.decode

    def decode_and_tell(whole: Any, mel: Any, options: Any) -> Any:
        if not model.model.is_multilingual:
            options = replace(options, language="en")
        with torch.autocast(mel.device.type, enabled=False):
            said = decode(whole, mel.float(), options)
        heard[:] = [said]
        return said

    with mock.patch.object(whisper, "decode", decode_and_tell):
        yield heard


def narrowed(can: Abilities, model: Any) -> Abilities:
    """A model for English alone knows no other language; older ones know no Cantonese."""
    openai = model.model.model
    if not openai.is_multilingual:
        return can.model_copy(update={"languages": ("en",)})
    return can.model_copy(update={"languages": WHISPER[: openai.num_languages]})


def weights(loaded: dict[str, Any]) -> Path | None:
    """What OpenAI's package has fetched, in the folder that it keeps; or a directory's own file."""
    if loaded.get("hub") != "openai":
        return where_it_was_loaded_from(loaded)
    name = str(loaded["model_path"]).removeprefix(PREFIX)  # FunASR mostly did so before
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    return Path(cache) / "whisper" / f"{_FILES.get(name, name)}.pt"


_FILES = {"large": "large-v3", "turbo": "large-v3-turbo"}
"""OpenAI's names of models whose files have another one."""


def loaded_apart(model: Any) -> frozenset[str]:
    """What OpenAI's package fetches it loads by itself, and fails where it does not fit."""
    openai = model.kwargs.get("hub") == "openai"
    return everything_apart(model) if openai else nothing_apart(model)


WHISPER_FAMILY = Family(
    title="Whisper",
    classes=frozenset(
        {
            "WhisperWarp",
            *(PREFIX + size for size in ("tiny", "base", "small", "medium")),
            *(PREFIX + size for size in ("tiny.en", "base.en", "small.en", "medium.en")),
            *(PREFIX + size for size in ("large-v1", "large-v2", "large-v3", "large-v3-turbo")),
        }
    ),
    examples=("Whisper-large-v3-turbo",),
    can=Abilities(
        languages=WHISPER,
        detects_language=True,
        hotwords=True,
        confidence=True,
        batch=False,
        punctuation=True,
    ),
    ask=ask,
    read=read_result,
    narrowed=narrowed,
    overhear=overhear_decoding,
    longest_s=30.0,
    weights=weights,
    loaded_apart=loaded_apart,
    note="needs `pip install openai-whisper`; speech is cut to 30 s; hotwords go into its prompt; "
    "always in fp32",
)
