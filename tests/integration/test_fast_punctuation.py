"""Batched punctuation equals that of FunASR for single texts."""

import random
from pathlib import Path
from typing import Any

import funasr
import pytest

from funasr_fleet.settings import Settings
from funasr_fleet.worker.engine.fast import punctuator
from funasr_fleet.worker.engine.fast.punctuator import FastPunctuator
from funasr_fleet.worker.engine.loader import build_engine
from funasr_fleet.worker.engine.stock import StockPunctuator
from funasr_fleet.worker.process.hardware import SlotPlan
from tests.support.small_models.auxiliary import CT_TRANSFORMER
from tests.support.small_models.parts import DIGITS, HAN, save_random


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Several weights: some predict many full stops, some almost none."""
    names = [tmp_path_factory.mktemp(f"ct-{seed}") for seed in range(6)]
    return [save_random(name, CT_TRANSFORMER, seed) for seed, name in enumerate(names)]


def load(directory: Path) -> Any:
    quiet = {"disable_update": True, "disable_pbar": True, "disable_log": True}
    return funasr.AutoModel(model=str(directory), device="cpu", ncpu=1, **quiet)


def texts(seed: int) -> list[str]:
    """Texts of both scripts with unknown words, from one word to four hundred."""
    chance = random.Random(seed)
    words = [*DIGITS, *HAN, "Unknown", "x", "\u9f98"]
    lengths = [1, 2, 3, 19, 20, 21, 39, 40, 41, 100, 230, 400] * 2
    return ["", " "] + [" ".join(chance.choices(words, k=length)) for length in lengths]


def test_batched_punctuation_equals_punctuation_of_single_texts(directories: list[Path]) -> None:
    marks: set[str] = set()
    for seed, directory in enumerate(directories):
        model = load(directory)
        assert punctuator.applies(model)
        fast, stock = FastPunctuator(model, "cpu"), StockPunctuator(model)
        expected = stock.punctuate(texts(seed))
        assert fast.punctuate(texts(seed)) == expected
        marks |= set("".join(expected))
    assert marks >= set("\uff0c\u3002\uff1f,.?")


def test_the_engine_punctuates_on_the_fast_path(directories: list[Path]) -> None:
    plan = SlotPlan(slot=0, visible="", device="cpu", threads=1)
    engine = build_engine(Settings(model="demo", punc_model=str(directories[0])), plan)
    assert engine.fast_paths["punctuator"]
    punctuated, silent = engine.punctuate(["one two three", ""])
    assert punctuated.startswith(" One") or punctuated.startswith("One")
    assert punctuated[-1] in ".?\u3002\uff1f"
    assert silent == ""
