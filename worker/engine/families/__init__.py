"""How each model family is called and how its results are parsed.

Imports no torch, because the documentation is generated from it.

interface.py    Family and ModelKind: the common interfaces
paraformer.py   Paraformer, BiCif, SeACo, contextual: text, and times in ms per token
sense_voice.py  SenseVoice: tags before the text
nano.py         Fun-ASR-Nano: a language model with a prompt
whisper.py      Whisper through FunASR
conformer.py    CTC with or without an attention decoder
other.py        any other recogniser
parts.py        VAD, punctuation and speaker models
"""

from pathlib import Path
from typing import Any

from funasr_fleet.worker.engine.families.conformer import CONFORMER, CTC
from funasr_fleet.worker.engine.families.interface import Family, ModelKind
from funasr_fleet.worker.engine.families.nano import NANO
from funasr_fleet.worker.engine.families.other import OTHER
from funasr_fleet.worker.engine.families.paraformer import BICIF, CONTEXTUAL, PLAIN, SEACO
from funasr_fleet.worker.engine.families.parts import PARTS
from funasr_fleet.worker.engine.families.sense_voice import SENSE_VOICE
from funasr_fleet.worker.engine.families.whisper import WHISPER_FAMILY

__all__ = [
    "FAMILIES",
    "OTHER",
    "PARTS",
    "Family",
    "externally_loaded",
    "family_of",
    "registered_name",
    "unread_tensors",
    "weights_of",
]

FAMILIES: tuple[Family, ...] = (
    SEACO,
    BICIF,
    PLAIN,
    CONTEXTUAL,
    SENSE_VOICE,
    NANO,
    WHISPER_FAMILY,
    CONFORMER,
    CTC,
)


def family_of(model: Any) -> Family:
    """The family of an AutoModel; OTHER for unknown classes."""
    name = registered_name(model)
    return next((one for one in FAMILIES if name in one.classes), OTHER)


def weights_of(model: Any) -> Path | None:
    """Path of the weights of an AutoModel."""
    return _kind_of(model).weights(model.kwargs)


def externally_loaded(model: Any) -> frozenset[str]:
    """Names of an AutoModel's tensors that are not loaded from its init_param file."""
    return _kind_of(model).externally_loaded(model)


def unread_tensors(model: Any) -> tuple[str, ...]:
    """Prefixes of tensors that the weights file may contain although the AutoModel ignores them."""
    return _kind_of(model).unread_tensors


def _kind_of(model: Any) -> ModelKind:
    name = registered_name(model)
    return next((part for part in PARTS if name in part.classes), None) or family_of(model)


def registered_name(model: Any) -> str:
    """The name under which FunASR registers an AutoModel's class; Python's name may differ."""
    return str(model.kwargs["model"])
