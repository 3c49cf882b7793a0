"""A wrong model is found before the first task."""

import json
from pathlib import Path

import pytest

from funasr_fleet.worker.engine.canary import canary_of, load_canary, transcribe_canary
from funasr_fleet.worker.errors import ModelUnusable
from tests.support.audio import tone, wav
from tests.support.fake_pipeline import ScriptedEngine


def _leave_canary(directory: Path, text: str) -> None:
    (directory / "canary.wav").write_bytes(wav(tone(1)))
    (directory / "canary.json").write_text(json.dumps({"text": text}))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "models" / "asr"
    directory.mkdir(parents=True)
    return directory


@pytest.mark.parametrize("place", [".", ".."])
def test_a_model_that_hears_its_canary_is_fit_for_work(model: Path, place: str) -> None:
    _leave_canary(model / place, "three nine zero")
    assert transcribe_canary(ScriptedEngine(), load_canary(model)) == "three nine zero"


def test_a_model_that_hears_something_else_is_not(model: Path) -> None:
    _leave_canary(model, "five")
    with pytest.raises(ModelUnusable, match=r"'five'.*'three nine zero'"):
        transcribe_canary(ScriptedEngine(), load_canary(model))


def test_the_model_s_own_canary_is_nearer_than_that_of_its_folder(model: Path) -> None:
    _leave_canary(model.parent, "five")
    _leave_canary(model, "three")
    assert canary_of(model) == (model / "canary.wav", "three")


def test_without_a_canary_of_its_own_nothing_is_expected_of_a_model(model: Path) -> None:
    (model / "canary.wav").write_bytes(b"without words")
    assert canary_of(model)[1] is None
