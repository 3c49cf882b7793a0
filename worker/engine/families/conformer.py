"""Encoders with CTC, with or without an attention decoder: text alone.

FunASR decodes one clip by beam search and several by CTC, which takes no search. In a batch it
counts a shorter clip's frames wrongly, so that its words depend on its neighbours. Here each clip
goes by itself, and by CTC; a model without CTC by beam search.
"""

from dataclasses import replace
from typing import Any

from contract.abilities import Abilities
from worker.engine.families.interface import Family
from worker.engine.interface import Hints
from worker.planning.assembly import Recognition
from worker.planning.words import join_texts, split_words


def ask(_hints: Hints) -> dict[str, Any]:
    """There is nothing to tell it."""
    return {}


def read_text(result: dict[str, Any], _overheard: Any = None) -> Recognition:
    """One item of what generate returns."""
    return Recognition(text=join_texts(split_words(str(result.get("text", "")))))


def told_at_once(model: Any) -> int:
    """Two make FunASR decode by CTC."""
    return 2 if getattr(model, "ctc", None) is not None else 1


CONFORMER = Family(
    title="Conformer, Branchformer, Transformer (CTC and attention)",
    classes=frozenset({"Conformer", "Branchformer", "EBranchformer", "Transformer", "SANM"}),
    examples=("iic/speech_conformer_asr-en-16k-vocab4199-pytorch",),
    can=Abilities(batch=False),
    ask=ask,
    read=read_text,
    told_at_once=told_at_once,
    note="decoded by CTC, as FunASR does with several clips",
)
CTC = replace(
    CONFORMER,
    title="CTC alone",
    classes=frozenset({"CTC"}),
    examples=(),
    told_at_once=lambda model: 1,
    note="",
)
