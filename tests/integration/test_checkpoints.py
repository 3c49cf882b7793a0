"""A model is used only if its weights file has a value for each of its tensors."""

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from funasr_fleet.demo_model import DEMO_ASR, DEMO_VAD
from funasr_fleet.settings import Settings
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.loader import build_engine
from funasr_fleet.worker.errors import ModelUnusable
from funasr_fleet.worker.process.hardware import SlotPlan
from tests.support.small_models.auxiliary import CAMPPLUS, CT_TRANSFORMER, make_eres2net
from tests.support.small_models.nano_and_whisper import make_nano, make_nano_with_ctc, make_whisper
from tests.support.small_models.parts import save_random
from tests.support.small_models.recognisers import (
    make_conformer,
    make_contextual,
    make_ctc,
    make_paraformer,
    make_transformer,
    seaco_of_the_demo,
)
from tests.support.small_models.sensevoice import make_sensevoice

PLAN = SlotPlan(slot=0, visible="", device="cpu", threads=1)
Make = Callable[[Path], Path]
Weights = dict[str, torch.Tensor]
needs_whisper = pytest.mark.skipif(not find_spec("whisper"), reason="openai-whisper is optional")


def _copy(model: Path) -> Make:
    return lambda directory: Path(shutil.copytree(model, directory, dirs_exist_ok=True))


def _random(config: dict[str, Any]) -> Make:
    return lambda directory: save_random(directory, config)


RECOGNISERS = {
    "BiCifParaformer": _copy(DEMO_ASR),
    "SeacoParaformer": lambda directory: save_random(directory, seaco_of_the_demo()),
    "Paraformer": make_paraformer,
    "ContextualParaformer": make_contextual,
    "SenseVoiceSmall": make_sensevoice,
    "FunASRNano": make_nano,
    "FunASRNano with CTC": make_nano_with_ctc,
    "Conformer": make_conformer,
    "Transformer": make_transformer,
    "CTC": make_ctc,
}
MODELS: dict[str, tuple[str, Make]] = {
    **{name: ("recogniser", make) for name, make in RECOGNISERS.items()},
    "FsmnVADStreaming": ("vad", _copy(DEMO_VAD)),
    "CTTransformer": ("punctuation", _random(CT_TRANSFORMER)),
    "CAMPPlus": ("speaker", _random(CAMPPLUS)),
    "ERes2NetV2": ("speaker", make_eres2net),
}
IN_BRIEF = {"BiCifParaformer", "SenseVoiceSmall", "FsmnVADStreaming", "CAMPPlus"}
"""One model of each kind; the others are slow tests."""
SETTINGS = {
    "recogniser": "model",
    "vad": "vad_model",
    "punctuation": "punc_model",
    "speaker": "spk_model",
}
each_model = pytest.mark.parametrize(
    ("role", "make"),
    [
        *(
            pytest.param(*case, id=name, marks=() if name in IN_BRIEF else pytest.mark.slow)
            for name, case in MODELS.items()
        ),
        pytest.param(
            "recogniser", make_whisper, id="WhisperWarp", marks=[needs_whisper, pytest.mark.slow]
        ),
    ],
)


def build(role: str, directory: Path) -> FunasrEngine:
    """Build a worker's engine with this model and the demo models for the other roles."""
    chosen = {"model": "demo", "vad_model": "demo", SETTINGS[role]: str(directory)}
    return build_engine(Settings.model_validate(chosen), PLAN)


def change(directory: Path, how: Callable[[Weights], Any]) -> None:
    """Save the weights as `how` returns them."""
    path = directory / "model.pt"
    torch.save(how(torch.load(path)), path)


def configure(directory: Path, **more: Any) -> None:
    """Add entries to a JSON configuration."""
    path = directory / "config.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def renamed(weights: Weights) -> Weights:
    return {f"other.{name}": tensor for name, tensor in weights.items()}


@each_model
def test_valid_weights_are_used(role: str, make: Make, tmp_path: Path) -> None:
    assert build(role, make(tmp_path)).identity.model


@each_model
def test_when_no_name_matches_the_error_has_names_and_their_number(
    role: str, make: Make, tmp_path: Path
) -> None:
    directory = make(tmp_path)
    before = torch.load(directory / "model.pt")
    change(directory, renamed)
    with pytest.raises(ModelUnusable) as caught:
        build(role, directory)
    message = str(caught.value)
    assert message.startswith(f"the weights of the {role} do not fit its configuration: ")
    assert f"are not in {directory / 'model.pt'} (" in message
    assert any(f"({name}, " in message for name in before)
    assert "scope_map" in message


@each_model
def test_a_missing_tensor_is_named_in_the_error(role: str, make: Make, tmp_path: Path) -> None:
    directory = make(tmp_path)
    lost = last_matrix(directory)
    change(directory, lambda weights: {k: v for k, v in weights.items() if k != lost})
    with pytest.raises(ModelUnusable, match=rf": 1 of \d+ tensors are not in \S+ \({lost}\)"):
        build(role, directory)


@each_model
def test_a_tensor_that_the_model_lacks_is_named_in_the_error(
    role: str, make: Make, tmp_path: Path
) -> None:
    """Without the error, a configuration with too few layers would ignore the other layers."""
    directory = make(tmp_path)
    deeper = f"{last_matrix(directory)}.another"
    change(directory, lambda weights: weights | {deeper: torch.ones(2)})
    with pytest.raises(ModelUnusable, match=rf": 1 tensors of \S+ are not in the model \({deeper}"):
        build(role, directory)


@each_model
def test_a_different_shape_is_an_error_with_both_shapes(
    role: str, make: Make, tmp_path: Path
) -> None:
    directory = make(tmp_path)
    name = last_matrix(directory)
    shape = list(torch.load(directory / "model.pt")[name].shape)
    change(directory, lambda weights: weights | {name: torch.cat([weights[name]] * 2)})
    with pytest.raises(ModelUnusable) as caught:
        build(role, directory)
    wider = [2 * shape[0], *shape[1:]]
    expected = (
        f"have another shape in {directory / 'model.pt'} ({name}: {wider} instead of {shape})"
    )
    assert expected in str(caught.value)


def last_matrix(directory: Path) -> str:
    """The name of the last matrix; FunASR omits an incomplete CTC decoder of Nano."""
    weights: Weights = torch.load(directory / "model.pt")
    return next(
        name
        for name, tensor in reversed(weights.items())
        if tensor.ndim > 1 and not name.startswith("ctc")
    )
