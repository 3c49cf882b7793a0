"""Which path is taken: the fast one where it applies and says what the stock one says."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.engine.fast import detector, punctuator, recogniser
from worker.engine.fast.detector import FastDetector
from worker.engine.fast.filterbank import FilterBank
from worker.engine.fast.punctuator import FastPunctuator
from worker.engine.fast.recogniser import FastRecogniser
from worker.engine.interface import Clip, Hints, Samples, find_speech
from worker.engine.stock import (
    Detector,
    Punctuator,
    Recogniser,
    StockPunctuator,
    StockRecogniser,
)
from worker.engine.stock_detector import StockDetector
from worker.planning.spans import Span

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The paths of one child, and which of them are fast."""

    detector: Detector
    recogniser: Recogniser
    punctuator: Punctuator | None
    fast: dict[str, bool]


def choose_paths(
    recogniser_model: Any, vad_model: Any, punctuation_model: Any, device: str, canary: Samples
) -> Paths:
    """Take each fast path that applies to its model and agrees with its twin on the canary.

    The punctuation model may be None.
    """
    bank = FilterBank(device)
    find, clips = _choose_detector(vad_model, device, bank, canary)
    hear = _choose_recogniser(recogniser_model, device, bank, clips)
    texts = [one.text for one in hear.recognise(clips, Hints())] if clips else []
    mark = _choose_punctuator(punctuation_model, device, texts) if punctuation_model else None
    fast = {
        "detector": isinstance(find, FastDetector),
        "recogniser": isinstance(hear, FastRecogniser),
    }
    if mark:
        fast["punctuator"] = isinstance(mark, FastPunctuator)
    return Paths(detector=find, recogniser=hear, punctuator=mark, fast=fast)


def _choose_detector(
    model: Any, device: str, bank: FilterBank, canary: Samples
) -> tuple[Detector, list[Clip]]:
    """The detector, and the clips that it finds in the canary."""
    stock = StockDetector(model)
    clips = find_speech(stock.listen(), canary)
    if not detector.applies(model):
        return stock, clips
    fast = FastDetector(model, device, bank)
    found = find_speech(fast.listen(), canary)
    return (fast, found) if _agree("detector", _spans(found), _spans(clips)) else (stock, clips)


def _choose_recogniser(
    model: Any, device: str, bank: FilterBank, clips: Sequence[Clip]
) -> Recogniser:
    stock = StockRecogniser(model)
    if not clips or not recogniser.applies(model):
        return stock
    fast = FastRecogniser(model, device, bank)
    return fast if _agree("recogniser", _texts(fast, clips), _texts(stock, clips)) else stock


def _choose_punctuator(model: Any, device: str, texts: Sequence[str]) -> Punctuator:
    """Texts of several lengths go through together, longer than what is looked at at once."""
    stock = StockPunctuator(model)
    some = [" ".join([*texts] * count) for count in (1, 3, 20)] if texts else []
    if not any(some) or not punctuator.applies(model):
        return stock
    fast = FastPunctuator(model, device)
    return fast if _agree("punctuator", fast.punctuate(some), stock.punctuate(some)) else stock


def _spans(clips: Sequence[Clip]) -> list[Span]:
    return [clip.span for clip in clips]


def _texts(recogniser: Recogniser, clips: Sequence[Clip]) -> list[str]:
    return [heard.text for heard in recogniser.recognise(clips, Hints())]


def _agree(path: str, fast: object, stock: object) -> bool:
    if fast != stock:
        log.warning("the fast %s says %s, FunASR's own %s: working without it", path, fast, stock)
    return fast == stock
