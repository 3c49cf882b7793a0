"""Encoders with CTC, with or without an attention decoder: text alone.

FunASR decodes one clip by beam search and several by CTC alone. A clip's words must not depend on
its neighbours, so that each goes the way of a batch; a model without CTC goes the other one.
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


def narrowed(can: Abilities, model: Any) -> Abilities:
    """Without CTC, FunASR has no way for several clips."""
    return can.model_copy(update={"batch": getattr(model, "ctc", None) is not None})


CONFORMER = Family(
    title="Conformer, Branchformer, Transformer (CTC and attention)",
    classes=frozenset({"Conformer", "Branchformer", "EBranchformer", "Transformer", "SANM"}),
    examples=("iic/speech_conformer_asr-en-16k-vocab4199-pytorch",),
    can=Abilities(),
    ask=ask,
    read=read_text,
    narrowed=narrowed,
    least_at_once=2,
    note="decoded by CTC, as FunASR does with several clips",
)
CTC = replace(
    CONFORMER,
    title="CTC alone",
    classes=frozenset({"CTC"}),
    examples=(),
    can=Abilities(batch=False),
    narrowed=lambda can, model: can,
    least_at_once=1,
    note="FunASR takes one clip at a time",
)
