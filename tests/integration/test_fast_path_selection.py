"""Fast paths that differ from their stock counterparts are disabled; the engine runs without."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from funasr_fleet.settings import Settings
from funasr_fleet.worker.engine.fast import detector, recogniser
from funasr_fleet.worker.engine.interface import Clip
from funasr_fleet.worker.engine.loader import build_engine
from funasr_fleet.worker.errors import DeviceLost
from funasr_fleet.worker.process.hardware import SlotPlan
from funasr_fleet.worker.text.segments import Recognition


def test_the_demo_model_uses_both_fast_paths() -> None:
    assert fast_paths_of_the_demo() == {"detector": True, "recogniser": True}


def fail(*_: object) -> None:
    raise RuntimeError("cuFFT error: CUFFT_INTERNAL_ERROR")


def no_times(_: object, clips: list[Clip]) -> list[Recognition]:
    return [Recognition(text=str(len(clips)))] * len(clips)


@pytest.mark.parametrize("instead", [lambda _: [], fail], ids=["another result", "error"])
def test_a_fast_detector_that_differs_from_the_stock_one_is_not_used(
    monkeypatch: pytest.MonkeyPatch, instead: Callable[..., Any]
) -> None:
    monkeypatch.setattr(detector.FastStreamingVad, "flush", instead)
    assert fast_paths_of_the_demo() == {"detector": False, "recogniser": True}


@pytest.mark.parametrize("instead", [no_times, fail], ids=["another result", "error"])
def test_a_fast_recogniser_that_differs_from_the_stock_one_is_not_used(
    monkeypatch: pytest.MonkeyPatch, instead: Callable[..., Any]
) -> None:
    monkeypatch.setattr(recogniser.FastRecogniser, "_recognise", instead)
    assert fast_paths_of_the_demo() == {"detector": True, "recogniser": False}


def test_results_that_depend_on_the_batch_are_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = recogniser.FastRecogniser.forward

    def over_padding(self: Any, stacked: torch.Tensor, lengths: torch.Tensor) -> Any:
        return alone(self, stacked, lengths.clamp(min=int(lengths.max())))

    monkeypatch.setattr(recogniser.FastRecogniser, "forward", over_padding)
    assert fast_paths_of_the_demo() == {"detector": True, "recogniser": False}


def test_a_lost_device_stops_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(detector.FastStreamingVad, "_silence", lost)
    with pytest.raises(DeviceLost):
        fast_paths_of_the_demo()


def fast_paths_of_the_demo() -> dict[str, bool]:
    plan = SlotPlan(slot=0, visible="", device="cpu", threads=1)
    return build_engine(Settings(model="demo"), plan).fast_paths
