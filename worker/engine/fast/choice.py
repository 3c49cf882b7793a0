"""Which path is taken: the fast one where it applies and says what the stock one says."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.engine.fast import detector, recogniser
from worker.engine.fast.filterbank import FilterBank
from worker.engine.interface import Clip, Hints, Samples, find_speech
from worker.engine.stock import Detector, Recogniser, StockDetector, StockRecogniser
from worker.planning.spans import Span

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The paths of one child, and which of them are fast."""

    detector: Detector
    recogniser: Recogniser
    fast: dict[str, bool]


def choose_paths(recogniser_model: Any, vad_model: Any, device: str, canary: Samples) -> Paths:
    """Take each fast path that applies to its model and agrees with its twin on the canary."""
    bank = FilterBank(device)
    find: Detector = StockDetector(vad_model)
    hear: Recogniser = StockRecogniser(recogniser_model)
    fast = {"detector": False, "recogniser": False}
    clips = find_speech(find.listen(), canary)
    if detector.applies(vad_model):
        quick = detector.FastDetector(vad_model, device, bank)
        found = find_speech(quick.listen(), canary)
        fast["detector"] = _agree("detector", _spans(found), _spans(clips))
        find, clips = (quick, found) if fast["detector"] else (find, clips)
    if clips and recogniser.applies(recogniser_model):
        nimble = recogniser.FastRecogniser(recogniser_model, device, bank)
        fast["recogniser"] = _agree("recogniser", _texts(nimble, clips), _texts(hear, clips))
        hear = nimble if fast["recogniser"] else hear
    return Paths(detector=find, recogniser=hear, fast=fast)


def _spans(clips: Sequence[Clip]) -> list[Span]:
    return [clip.span for clip in clips]


def _texts(recogniser: Recogniser, clips: Sequence[Clip]) -> list[str]:
    return [heard.text for heard in recogniser.recognise(clips, Hints())]


def _agree(path: str, fast: object, stock: object) -> bool:
    if fast != stock:
        log.warning("the fast %s says %s, FunASR's own %s: working without it", path, fast, stock)
    return fast == stock
