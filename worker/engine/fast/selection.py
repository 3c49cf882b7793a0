"""Select the path of each step: the fast path if it applies and agrees with the stock path."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.worker.engine.families import OTHER, Family, family_of
from funasr_fleet.worker.engine.fast import detector, punctuator, recogniser
from funasr_fleet.worker.engine.fast.detector import FastDetector
from funasr_fleet.worker.engine.fast.features import FilterBank
from funasr_fleet.worker.engine.fast.punctuator import FastPunctuator
from funasr_fleet.worker.engine.fast.recogniser import FastRecogniser
from funasr_fleet.worker.engine.interface import (
    BLOCK_SAMPLES,
    Clip,
    Hints,
    OnOom,
    Samples,
    StreamingVad,
    as_clip,
    find_speech,
)
from funasr_fleet.worker.engine.stock import StockDetector, StockPunctuator, StockRecogniser
from funasr_fleet.worker.errors import DeviceLost
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import SAMPLE_RATE, Span

log = logging.getLogger(__name__)


class Detector(Protocol):
    """Detects speech (VAD)."""

    def start_vad(self, on_oom: OnOom = ignore) -> StreamingVad:
        """Start VAD of one audio.

        Args:
            on_oom: called when the device's memory is too small, before a retry.
        """


class Recogniser(Protocol):
    """Recognises clips, one batch per call."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """One result per clip, in the same order."""


class Punctuator(Protocol):
    """Adds punctuation to texts."""

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Each text with punctuation; an empty text stays empty."""


NEAR_MS = 40
"""Two steps of Paraformer's word times; rounding on another device may move a time by one step."""


def same_words(one: Sequence[Recognition], other: Sequence[Recognition]) -> bool:
    """Whether texts and words are equal and word times differ by at most NEAR_MS."""
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Recognition, other: Recognition) -> bool:
    if one.text != other.text or (one.words is None) != (other.words is None):
        return False
    words, others = one.words or (), other.words or ()
    return len(words) == len(others) and all(
        this.text == that.text
        and abs(this.start_ms - that.start_ms) <= NEAR_MS
        and abs(this.end_ms - that.end_ms) <= NEAR_MS
        for this, that in zip(words, others, strict=True)
    )


StepPath = TypeVar("StepPath")
Output = TypeVar("Output")

_COMPARED_CLIPS = 3
PLAIN = Abilities()


@dataclass(frozen=True, kw_only=True)
class EnginePaths:
    """The paths of one child."""

    detector: Detector
    recogniser: Recogniser
    punctuator: Punctuator | None
    fast: dict[str, bool]
    """Step -> whether its fast path is used."""
    family: Family = OTHER
    """Family of the recogniser."""
    can: Abilities = PLAIN
    """Capabilities of the loaded recogniser."""


def choose_paths(
    recogniser_model: Any, vad_model: Any, punctuation_model: Any, device: str, canary: Samples
) -> EnginePaths:
    """Use each fast path that applies to its model and agrees with the stock path on the canary.

    Args:
        recogniser_model: an AutoModel; its family prepares it in place.
        vad_model: an AutoModel.
        punctuation_model: an AutoModel, or None.
        device: torch's device string.
        canary: speech to compare the paths with.
    """
    family = family_of(recogniser_model)
    family.prepare(recogniser_model.model)
    bank = FilterBank(device)
    vad, clips = _choose_detector(vad_model, device, bank, _repeat_over_blocks(canary))
    compared = clips[:_COMPARED_CLIPS]
    recogniser_path = _choose_recogniser(recogniser_model, device, bank, _with_half_clips(compared))
    texts = [one.text for one in recogniser_path.recognise(compared, Hints())] if clips else []
    punctuation = (
        _choose_punctuator(punctuation_model, device, texts) if punctuation_model else None
    )
    fast = {
        "detector": isinstance(vad, FastDetector),
        "recogniser": isinstance(recogniser_path, FastRecogniser),
    }
    if punctuation:
        fast["punctuator"] = isinstance(punctuation, FastPunctuator)
    return EnginePaths(
        detector=vad,
        recogniser=recogniser_path,
        punctuator=punctuation,
        fast=fast,
        family=family,
        can=family.narrow_abilities(family.can, recogniser_model),
    )


def _repeat_over_blocks(canary: Samples) -> Samples:
    """Repeat the canary over more than two blocks, so that VAD state crosses two block borders."""
    once = np.concatenate([canary, np.zeros(SAMPLE_RATE, np.float32)])
    return np.tile(once, 1 + 2 * BLOCK_SAMPLES // len(once))


def _with_half_clips(clips: Sequence[Clip]) -> list[Clip]:
    """The clips and the first half of each, so that a batch needs padding."""
    halves = [as_clip(clip.samples[: len(clip.samples) // 2]) for clip in clips]
    return [*clips, *halves]


def _choose_detector(
    model: Any, device: str, bank: FilterBank, samples: Samples
) -> tuple[Detector, list[Clip]]:
    """The VAD path, and the clips that it detects in the samples."""
    stock = StockDetector(model)
    clips = find_speech(stock.start_vad(), samples)
    if not detector.applies(model):
        return stock, clips
    fast_clips: list[Clip] = []

    def detect(fast: Detector) -> list[Span]:
        fast_clips[:] = find_speech(fast.start_vad(), samples)
        return _spans(fast_clips)

    fast = _verified("detector", lambda: FastDetector(model, device, bank), detect, _spans(clips))
    return (fast, fast_clips) if fast else (stock, clips)


def _choose_recogniser(
    model: Any, device: str, bank: FilterBank, clips: Sequence[Clip]
) -> Recogniser:
    """Compare all clips in one batch on the fast path with each clip alone on the stock path."""
    stock = StockRecogniser(model)
    if not clips or not recogniser.applies(model):
        return stock
    fast = _verified(
        "recogniser",
        lambda: FastRecogniser(model, device, bank),
        lambda path: path.recognise(clips, Hints()),
        [stock.recognise([clip], Hints())[0] for clip in clips],
        same_words,
    )
    return fast or stock


def _choose_punctuator(model: Any, device: str, texts: Sequence[str]) -> Punctuator:
    """Compare texts of several lengths, some longer than the model's window, in one batch."""
    stock = StockPunctuator(model)
    probes = [" ".join([*texts] * count) for count in (1, 3, 20)] if texts else []
    if not any(probes) or not punctuator.applies(model):
        return stock
    fast = _verified(
        "punctuator",
        lambda: FastPunctuator(model, device),
        lambda path: path.punctuate(probes),
        stock.punctuate(probes),
    )
    return fast or stock


def _verified(
    name: str,
    make: Callable[[], StepPath],
    run: Callable[[StepPath], Output],
    expected: Output,
    matches: Callable[[Output, Output], bool] = lambda one, other: one == other,
) -> StepPath | None:
    """Build a fast path and compare its output with the expected one; None when it differs.

    Args:
        name: step, for the log.
        make: builds the path; may fail.
        run: runs the path on the canary.
        expected: output of the stock path.
        matches: compares two outputs.

    Raises:
        DeviceLost: the device is unusable, for the stock path too.
    """
    try:
        fast = make()
        actual = run(fast)
    except DeviceLost:
        raise
    except Exception as error:
        log.warning("fast %s path failed (%r), falling back to FunASR", name, error)
        return None
    if matches(actual, expected):
        return fast
    log.warning(
        "fast %s path returned %s instead of %s, falling back to FunASR", name, actual, expected
    )
    return None


def _spans(clips: Sequence[Clip]) -> list[Span]:
    return [clip.span for clip in clips]
