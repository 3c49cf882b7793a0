"""Models that complement a recogniser: VAD, punctuation, speaker embeddings."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funasr_fleet.worker.engine.families.interface import ModelKind, all_external


@dataclass(frozen=True, kw_only=True)
class Part(ModelKind):
    """FunASR models for one of these steps."""

    setting: str
    """The setting that selects the model."""


def in_package(_kwargs: dict[str, Any]) -> Path | None:
    """The weights inside Silero's Python package."""
    spec = importlib.util.find_spec("silero_vad")
    return Path(spec.origin).parent / "data" if spec and spec.origin else None


MODULE_PREFIX = "model."
"""Prefix of the tensor names in FunASR's module; weights files may omit it."""


def tensors_without_prefix(model: Any) -> frozenset[str]:
    """Names of the tensors that ERes2NetV2 loads itself; its file omits the prefix `model.`."""
    import torch

    saved = torch.load(model.kwargs["init_param"], map_location="meta")
    in_file = {f"{MODULE_PREFIX}{name}" for name in saved.get("state_dict", saved)}
    return frozenset(in_file & model.model.state_dict().keys())


PARTS = (
    Part(
        setting="FLEET_VAD_MODEL",
        title="FSMN-VAD",
        classes=frozenset({"FsmnVADStreaming"}),
        examples=("fsmn-vad",),
        files="`model.pt`, `am.mvn`",
        note="the default; fast path, streaming",
    ),
    Part(
        setting="FLEET_VAD_MODEL",
        title="Silero VAD",
        classes=frozenset({"SileroVad"}),
        examples=("silero-vad",),
        files="nothing: the weights are in the Python package",
        note="needs `pip install silero-vad`, which includes the weights; processes a file as a "
        "whole: an hour of audio takes 0.5 GB of memory during VAD",
        weights=in_package,
        externally_loaded=all_external,
    ),
    Part(
        setting="FLEET_PUNC_MODEL",
        title="CT-Transformer",
        classes=frozenset({"CTTransformer"}),
        examples=("ct-punc", "ct-punc-c"),
        files="`model.pt`, `tokens.json`",
        note="fast path, batched",
    ),
    Part(
        setting="FLEET_SPK_MODEL",
        title="CAM++",
        classes=frozenset({"CAMPPlus"}),
        examples=("cam++",),
        files="the weights, as `init_param` of its `configuration.json`",
        note="embeddings of 1.5 s windows, batched over the shard",
    ),
    Part(
        setting="FLEET_SPK_MODEL",
        title="ERes2NetV2",
        classes=frozenset({"ERes2NetV2"}),
        examples=("iic/speech_eres2netv2_sv_zh-cn_16k-common",),
        files="the weights, as `init_param` of its `configuration.json`",
        note="like CAM++",
        externally_loaded=tensors_without_prefix,
    ),
)
