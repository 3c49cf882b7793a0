"""What works beside a recogniser: speech detection, punctuation, speakers."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.engine.families.interface import (
    everything_apart,
    nothing_apart,
    where_it_was_loaded_from,
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Models of FunASR for one of these steps."""

    setting: str
    """Where they are named."""
    title: str
    """As docs/models.md names it."""
    classes: frozenset[str]
    """FunASR's names of the classes."""
    examples: tuple[str, ...]
    """Names that hubs know."""
    note: str
    weights: Callable[[dict[str, Any]], Path | None] = where_it_was_loaded_from
    """As Family.weights."""
    loaded_apart: Callable[[Any], frozenset[str]] = nothing_apart
    """As Family.loaded_apart."""


def beside_its_package(_loaded: dict[str, Any]) -> Path | None:
    """Silero's package brings its weights along."""
    found = importlib.util.find_spec("silero_vad")
    return Path(found.origin).parent / "data" if found and found.origin else None


def without_prefix(model: Any) -> frozenset[str]:
    """ERes2NetV2's class loads the names of its inner module first, as they were published."""
    import torch

    saved = torch.load(model.kwargs["init_param"], map_location="meta")
    return frozenset(f"model.{name}" for name in saved.get("state_dict", saved))


PARTS = (
    Part(
        setting="FLEET_VAD_MODEL",
        title="FSMN-VAD",
        classes=frozenset({"FsmnVADStreaming"}),
        examples=("fsmn-vad",),
        note="the default; the fast path, as audio comes in",
    ),
    Part(
        setting="FLEET_VAD_MODEL",
        title="Silero VAD",
        classes=frozenset({"SileroVad"}),
        examples=("silero-vad",),
        note="needs `pip install silero-vad`, which brings its weights; takes a file as a whole: "
        "an hour is half a GB of memory while it is listened to",
        weights=beside_its_package,
        loaded_apart=everything_apart,
    ),
    Part(
        setting="FLEET_PUNC_MODEL",
        title="CT-Transformer",
        classes=frozenset({"CTTransformer"}),
        examples=("ct-punc", "ct-punc-c"),
        note="the fast path, many texts at once",
    ),
    Part(
        setting="FLEET_SPK_MODEL",
        title="CAM++",
        classes=frozenset({"CAMPPlus"}),
        examples=("cam++",),
        note="embeddings of 1.5 s, batched over the shard",
    ),
    Part(
        setting="FLEET_SPK_MODEL",
        title="ERes2NetV2",
        classes=frozenset({"ERes2NetV2"}),
        examples=("iic/speech_eres2netv2_sv_zh-cn_16k-common",),
        note="as CAM++",
        loaded_apart=without_prefix,
    ),
)
