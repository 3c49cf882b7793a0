"""How each model family is asked, and how it words its results. Imports no torch: docs read it.

interface.py    Family: what all of them are
paraformer.py   Paraformer, BiCif, SeACo, contextual: text, and times in ms per token
sense_voice.py  SenseVoice: tags before the text
nano.py         Fun-ASR-Nano: a language model, told by a prompt
whisper.py      Whisper through FunASR
conformer.py    CTC with or without an attention decoder
other.py        any other recogniser
parts.py        speech detection, punctuation and speakers
languages.py    codes of languages
"""

from pathlib import Path
from typing import Any

from worker.engine.families.conformer import CONFORMER, CTC
from worker.engine.families.interface import Family
from worker.engine.families.nano import NANO
from worker.engine.families.other import OTHER
from worker.engine.families.paraformer import BICIF, CONTEXTUAL, PLAIN, SEACO
from worker.engine.families.parts import PARTS
from worker.engine.families.sense_voice import SENSE_VOICE
from worker.engine.families.whisper import WHISPER_FAMILY

__all__ = [
    "FAMILIES",
    "OTHER",
    "PARTS",
    "Family",
    "family_of",
    "loaded_apart",
    "registered_name",
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
    """The family of an AutoModel; OTHER where none is known."""
    name = registered_name(model)
    return next((one for one in FAMILIES if name in one.classes), OTHER)


def weights_of(model: Any) -> Path | None:
    """Where the weights of an AutoModel lie."""
    name = registered_name(model)
    parts = (part.weights for part in PARTS if name in part.classes)
    return next(parts, family_of(model).weights)(model.kwargs)


def loaded_apart(model: Any) -> frozenset[str]:
    """Names of an AutoModel's tensors that get their values from elsewhere than its init_param."""
    name = registered_name(model)
    parts = (part.loaded_apart for part in PARTS if name in part.classes)
    return next(parts, family_of(model).loaded_apart)(model)


def registered_name(model: Any) -> str:
    """FunASR's name of the class of an AutoModel; Python's is another for some."""
    return str(model.kwargs["model"])
