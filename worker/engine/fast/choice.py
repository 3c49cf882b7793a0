"""Which path is taken: the fast one where it applies and says what the stock one says."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from contract.abilities import Abilities
from worker.engine.families import OTHER, Family, family_of
from worker.engine.fast import detector, punctuator, recogniser
from worker.engine.fast.agreement import same_words
from worker.engine.fast.detector import FastDetector
from worker.engine.fast.filterbank import FilterBank
from worker.engine.fast.punctuator import FastPunctuator
from worker.engine.fast.recogniser import FastRecogniser
from worker.engine.interface import BLOCK_SAMPLES, Clip, Hints, Samples, as_clip, find_speech
from worker.engine.steps import Detector, Punctuator, Recogniser
from worker.engine.stock import StockPunctuator, StockRecogniser
from worker.engine.stock_detector import StockDetector
from worker.failures import DeviceLost
from worker.planning.spans import SAMPLE_RATE, Span

log = logging.getLogger(__name__)

Path = TypeVar("Path")
Answer = TypeVar("Answer")

_CLIPS = 3
PLAIN = Abilities()


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The paths of one child, and which of them are fast."""

    detector: Detector
    recogniser: Recogniser
    punctuator: Punctuator | None
    fast: dict[str, bool]
    family: Family = OTHER
    """The recogniser's."""
    can: Abilities = PLAIN
    """What this very recogniser can do."""


def choose_paths(
    recogniser_model: Any, vad_model: Any, punctuation_model: Any, device: str, canary: Samples
) -> Paths:
    """Take each fast path that applies to its model and agrees with its twin on the canary.

    The punctuation model may be None.
    """
    family = family_of(recogniser_model)
    family.prepare(recogniser_model.model)
    bank = FilterBank(device)
    find, clips = _choose_detector(vad_model, device, bank, _over_blocks(canary))
    hear = _choose_recogniser(recogniser_model, device, bank, _of_many_lengths(clips[:_CLIPS]))
    texts = [one.text for one in hear.recognise(clips[:_CLIPS], Hints())] if clips else []
    mark = _choose_punctuator(punctuation_model, device, texts) if punctuation_model else None
    fast = {
        "detector": isinstance(find, FastDetector),
        "recogniser": isinstance(hear, FastRecogniser),
    }
    if mark:
        fast["punctuator"] = isinstance(mark, FastPunctuator)
    can = family.narrowed(family.can, recogniser_model)
    return Paths(detector=find, recogniser=hear, punctuator=mark, fast=fast, family=family, can=can)


def _over_blocks(canary: Samples) -> Samples:
    """The canary again and again, until a listener has had to remember something twice."""
    once = np.concatenate([canary, np.zeros(SAMPLE_RATE, np.float32)])
    return np.tile(once, 1 + 2 * BLOCK_SAMPLES // len(once))


def _of_many_lengths(clips: Sequence[Clip]) -> list[Clip]:
    """Beginnings of clips too, so that there is something to pad."""
    halves = [as_clip(clip.samples[: len(clip.samples) // 2]) for clip in clips]
    return [*clips, *halves]


def _choose_detector(
    model: Any, device: str, bank: FilterBank, samples: Samples
) -> tuple[Detector, list[Clip]]:
    """The detector, and the clips that it finds."""
    stock = StockDetector(model)
    clips = find_speech(stock.listen(), samples)
    if not detector.applies(model):
        return stock, clips
    found: list[Clip] = []

    def listen(fast: Detector) -> list[Span]:
        found[:] = find_speech(fast.listen(), samples)
        return _spans(found)

    fast = _tried("detector", lambda: FastDetector(model, device, bank), listen, _spans(clips))
    return (fast, found) if fast else (stock, clips)


def _choose_recogniser(
    model: Any, device: str, bank: FilterBank, clips: Sequence[Clip]
) -> Recogniser:
    """All clips through the fast path at once, each by itself through the stock one."""
    stock = StockRecogniser(model)
    if not clips or not recogniser.applies(model):
        return stock
    fast = _tried(
        "recogniser",
        lambda: FastRecogniser(model, device, bank),
        lambda path: path.recognise(clips, Hints()),
        [stock.recognise([clip], Hints())[0] for clip in clips],
        same_words,
    )
    return fast or stock


def _choose_punctuator(model: Any, device: str, texts: Sequence[str]) -> Punctuator:
    """Texts of several lengths go through together, longer than what is looked at at once."""
    stock = StockPunctuator(model)
    some = [" ".join([*texts] * count) for count in (1, 3, 20)] if texts else []
    if not any(some) or not punctuator.applies(model):
        return stock
    fast = _tried(
        "punctuator",
        lambda: FastPunctuator(model, device),
        lambda path: path.punctuate(some),
        stock.punctuate(some),
    )
    return fast or stock


def _tried(
    name: str,
    make: Callable[[], Path],
    ask: Callable[[Path], Answer],
    expected: Answer,
    same: Callable[[Answer, Answer], bool] = lambda one, other: one == other,
) -> Path | None:
    """The fast path; None when it fails, or says something else than expected.

    Raises:
        DeviceLost: FunASR's own path would not do either.
    """
    try:
        fast = make()
        said = ask(fast)
    except DeviceLost:
        raise
    except Exception as error:
        log.warning("the fast %s fails (%r): working without it", name, error)
        return None
    if same(said, expected):
        return fast
    log.warning("the fast %s says %s, FunASR's own %s: working without it", name, said, expected)
    return None


def _spans(clips: Sequence[Clip]) -> list[Span]:
    return [clip.span for clip in clips]
