"""Encoders with CTC, with or without an attention decoder: text only.

FunASR decodes one clip by beam search and several by CTC, without a search. In a batch it counts a
shorter clip's frames incorrectly, so that its text depends on its neighbours. Here each clip is
decoded alone: by CTC, or by beam search if the model has no CTC.
"""

from dataclasses import replace
from typing import Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.worker.engine.families.interface import Family
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.tokens import join_texts, split_words


def read_text(result: dict[str, Any], _confidence: float | None = None) -> Recognition:
    """Parse one item of generate's result."""
    return Recognition(text=join_texts(split_words(str(result.get("text", "")))))


CONFORMER = Family(
    title="Conformer, Branchformer, Transformer (CTC and attention)",
    classes=frozenset({"Conformer", "Branchformer", "EBranchformer", "Transformer", "SANM"}),
    examples=("iic/speech_conformer_asr-en-16k-vocab4199-pytorch",),
    can=Abilities(batch=False),
    read=read_text,
    # a batch size of 2 makes FunASR decode by CTC
    min_batch_size=lambda model: 2 if getattr(model, "ctc", None) is not None else 1,
    note="decoded by CTC without beam search, as FunASR decodes several clips in one call",
)
CTC = replace(
    CONFORMER,
    title="CTC only",
    classes=frozenset({"CTC"}),
    examples=(),
    min_batch_size=lambda model: 1,
    note="",
)
