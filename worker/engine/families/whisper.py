"""Whisper through FunASR, which wraps OpenAI's package: one clip of up to 30 s at a time."""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.worker.engine.families.interface import (
    Family,
    all_external,
    init_param,
    none_external,
)
from funasr_fleet.worker.engine.families.languages import WHISPER
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.segments import Recognition

PREFIX = "Whisper-"
"""FunASR's prefix for models that OpenAI's package downloads itself."""


def generate_options(hints: Hints) -> dict[str, Any]:
    """FunASR passes DecodingOptions to OpenAI's package; hotwords go into the prompt."""
    decoding = {
        "language": hints.language,
        "without_timestamps": True,
        "prompt": " ".join(hints.hotwords) or None,
        "fp16": False,
    }
    return {"DecodingOptions": decoding}


def read_result(result: dict[str, Any], decoded: Any = None) -> Recognition:
    """Parse one item of generate's result, and the DecodingResult of OpenAI's package."""
    text = str(result.get("text", "")).strip()
    if decoded is None or not text:
        return Recognition(text=text)
    return Recognition(
        text=text,
        language=decoded.language,
        confidence=round(math.exp(min(0.0, decoded.avg_logprob)), 4),
    )


@contextlib.contextmanager
def capture_decoding(model: Any) -> Iterator[list[Any]]:
    """Capture the DecodingResults of OpenAI's package; FunASR only passes on their text.

    The package needs input in the precision of its weights, whatever FLEET_PRECISION is, and
    language="en" for an English-only model.
    """
    import torch
    from funasr.models.whisper.model import whisper

    results: list[Any] = []
    decode = whisper.decode

    def decode_and_capture(whisper_model: Any, mel: Any, options: Any) -> Any:
        if not model.model.is_multilingual:
            options = replace(options, language="en")
        with torch.autocast(mel.device.type, enabled=False):
            result = decode(whisper_model, mel.float(), options)
        results[:] = [result]
        return result

    with mock.patch.object(whisper, "decode", decode_and_capture):
        yield results


def narrow_abilities(can: Abilities, model: Any) -> Abilities:
    """An English-only model has one language; older models lack Cantonese."""
    openai = model.model.model
    if not openai.is_multilingual:
        return can.model_copy(update={"languages": ("en",)})
    return can.model_copy(update={"languages": WHISPER[: openai.num_languages]})


def weights(kwargs: dict[str, Any]) -> Path | None:
    """The file in the download cache of OpenAI's package, or the file in a model directory."""
    if kwargs.get("hub") != "openai":
        return init_param(kwargs)
    name = str(kwargs["model_path"]).removeprefix(PREFIX)  # FunASR has usually removed it
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    return Path(cache) / "whisper" / f"{_FILES.get(name, name)}.pt"


_FILES = {"large": "large-v3", "turbo": "large-v3-turbo"}
"""OpenAI's model name -> file name, where they differ."""


def externally_loaded(model: Any) -> frozenset[str]:
    """OpenAI's package loads its downloads itself, and fails when they do not match."""
    openai = model.kwargs.get("hub") == "openai"
    return all_external(model) if openai else none_external(model)


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
    generate_options=generate_options,
    read=read_result,
    narrow_abilities=narrow_abilities,
    capture_extras=capture_decoding,
    longest_s=30.0,
    weights=weights,
    externally_loaded=externally_loaded,
    note="needs `pip install openai-whisper`; speech is cut to 30 s; hotwords go into the prompt; "
    "always fp32",
)
