"""Weights files in the formats of other tools are accepted; invalid ones are rejected."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from funasr.download.download_model_from_hub import download_model
from funasr.train_utils.load_pretrained_model import load_pretrained_model

from funasr_fleet.worker.engine.checks import _loaded_by_funasr
from funasr_fleet.worker.engine.families import other
from funasr_fleet.worker.engine.families import whisper as whisper_family
from funasr_fleet.worker.errors import ModelUnusable
from tests.integration.test_checkpoints import (
    Weights,
    build,
    change,
    configure,
    needs_whisper,
)
from tests.support.small_models.auxiliary import CAMPPLUS, make_eres2net
from tests.support.small_models.nano_and_whisper import (
    WHISPER,
    make_nano,
    make_nano_with_ctc,
    make_whisper,
)
from tests.support.small_models.parts import save_random
from tests.support.small_models.recognisers import PARAFORMER, make_paraformer

pytestmark = pytest.mark.slow

NOTHING_FITS = r"do not fit its configuration: (\d+) of \1 tensors are not in"


def openai_form(weights: Weights) -> dict[str, Any]:
    """The format of OpenAI's Whisper: without the name of FunASR's enclosing module."""
    dims = WHISPER["dims"]
    state = {name.removeprefix("model."): tensor for name, tensor in weights.items()}
    return {"dims": dims, "model_state_dict": state}


@needs_whisper
def test_whisper_as_openai_saves_it_needs_the_scope_map(tmp_path: Path) -> None:
    directory = make_whisper(tmp_path)
    change(directory, openai_form)
    with pytest.raises(ModelUnusable, match=NOTHING_FITS) as refused:
        build("recogniser", directory)
    assert "model.encoder.positional_embedding" in str(refused.value)
    configure(directory, scope_map=["none", "model."])
    assert build("recogniser", directory).identity.model


@pytest.mark.parametrize("nesting", ["state_dict", "model_state_dict", "model"])
def test_weights_of_a_wrapped_module_saved_with_an_optimiser_are_accepted(
    tmp_path: Path, nesting: str
) -> None:
    def wrapped(weights: Weights) -> dict[str, Any]:
        named = {f"module.{name}": tensor for name, tensor in weights.items()}
        return {nesting: named, "optimizer": {"lr": 0.1}, "epoch": 7}

    directory = make_paraformer(tmp_path)
    change(directory, wrapped)
    assert build("recogniser", directory).identity.model


def test_excluded_tensors_count_as_missing(tmp_path: Path) -> None:
    directory = make_paraformer(tmp_path)
    configure(directory, excludes="predictor.")
    with pytest.raises(ModelUnusable, match=r"tensors are not in .*\(predictor\.\S+, predictor\."):
        build("recogniser", directory)


def test_counters_that_only_training_reads_may_be_missing(tmp_path: Path) -> None:
    directory = save_random(tmp_path, CAMPPLUS)
    count = len(torch.load(directory / "model.pt"))
    unread = "num_batches_tracked"
    change(directory, lambda weights: {k: v for k, v in weights.items() if unread not in k})
    assert len(torch.load(directory / "model.pt")) < count
    assert build("speaker", directory).identity.model
    change(directory, lambda weights: {k: v for k, v in weights.items() if "running_mean" not in k})
    with pytest.raises(ModelUnusable, match="running_mean"):
        build("speaker", directory)


def test_published_eres2net_weights_use_the_names_of_the_inner_module(tmp_path: Path) -> None:
    def published(weights: Weights) -> Weights:
        return {name.removeprefix("model."): tensor for name, tensor in weights.items()}

    directory = make_eres2net(tmp_path)
    change(directory, published)
    assert build("speaker", directory).identity.model
    change(directory, lambda weights: {k: v for k, v in weights.items() if k != "conv1.weight"})
    with pytest.raises(ModelUnusable, match=r": 1 of \d+ tensors are not in \S+ \(model.conv1"):
        build("speaker", directory)


def test_published_eres2net_weights_of_a_deeper_model_are_rejected(tmp_path: Path) -> None:
    deeper = "layer4.9.conv1.weight"
    directory = make_eres2net(tmp_path)
    change(
        directory,
        lambda weights: {
            **{name.removeprefix("model."): tensor for name, tensor in weights.items()},
            deeper: torch.ones(2),
        },
    )
    with pytest.raises(ModelUnusable, match=rf": 1 tensors of \S+ are not in the model \({deeper}"):
        build("speaker", directory)


def test_one_name_of_tied_weights_is_enough(tmp_path: Path) -> None:
    directory = make_nano(tmp_path)
    llm = directory / "llm" / "config.json"
    llm.write_text(json.dumps(json.loads(llm.read_text()) | {"tie_word_embeddings": True}))
    tied = {"llm.lm_head.weight", "llm.model.embed_tokens.weight"}
    change(directory, lambda weights: {k: v for k, v in weights.items() if k != min(tied)})
    assert build("recogniser", directory).identity.model
    change(directory, lambda weights: {k: v for k, v in weights.items() if k not in tied})
    with pytest.raises(ModelUnusable, match="2 of"):
        build("recogniser", directory)


def test_nano_is_published_without_its_ctc_decoder(tmp_path: Path) -> None:
    """FunASR then omits the decoder and returns no word times."""
    directory = make_nano_with_ctc(tmp_path)
    change(directory, lambda weights: {k: v for k, v in weights.items() if k[:3] != "ctc"})
    assert build("recogniser", directory).abilities.word_times is False


def test_an_unknown_model_class_without_a_weights_file_is_rejected(tmp_path: Path) -> None:
    directory = save_random(tmp_path, {**PARAFORMER, "model": "ParaformerStreaming"})
    (directory / "model.pt").rename(directory / "else.bin")
    with pytest.raises(ModelUnusable, match=r"are not in any weights file \(encoder\."):
        build("recogniser", directory)


def test_tensors_that_transformers_loads_are_not_required(tmp_path: Path) -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    sizes: Any = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "head_dim": 4}
    small: Any = Qwen3ForCausalLM(Qwen3Config(vocab_size=9, num_attention_heads=2, **sizes))
    small.save_pretrained(tmp_path)
    module = torch.nn.Module()
    module.llm = Qwen3ForCausalLM.from_pretrained(tmp_path)
    module.made_here = small  # not loaded from a directory
    module.adaptor = torch.nn.Linear(2, 2)
    external = other.externally_loaded(SimpleNamespace(model=module))
    assert external == {name for name in module.state_dict() if name.startswith("llm.")}
    assert external


class _RecordingModule(torch.nn.Module):
    """Records the names that FunASR loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.model = torch.nn.Linear(2, 2)
        self.encoder = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2))
        self.loaded: frozenset[str] = frozenset()

    def on_pretrained_model_loaded(self, names: frozenset[str]) -> None:
        self.loaded = names


class _ReceivingModule(_RecordingModule):
    """Records the tensors that FunASR's loader passes to it, of any shape."""

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        self.given = {float(tensor.flatten()[0]) for tensor in state_dict.values()}


@pytest.mark.parametrize("scope_map", [[], ["a.", "encoder."], ["none", "model."], "b.,none"])
@pytest.mark.parametrize("excludes", [None, "encoder.0", ["model.", "encoder.1.bias"]])
@pytest.mark.parametrize("prefix", ["", "module.", "a.", "b."])
def test_the_loader_reports_the_same_names_for_placeholders_as_for_modules(
    tmp_path: Path, scope_map: Any, excludes: Any, prefix: str
) -> None:
    module, path = _RecordingModule(), str(tmp_path / "model.pt")
    names = [*module.state_dict(), "weight", "bias", "0.weight", "1.weight"]
    shapes = {**module.state_dict(), "weight": torch.ones(2, 2), "0.weight": torch.ones(3, 2)}
    in_file = {
        f"{prefix}{name}": torch.full_like(shapes.get(name, torch.ones(2)), number)
        for number, name in enumerate(names, 1)
    }
    torch.save(in_file, path)
    given = {"scope_map": scope_map, "excludes": excludes}
    load_pretrained_model(path=path, model=module, **{**given, "scope_map": scope_map[:]})
    description = SimpleNamespace(model=module, kwargs={**given, "init_param": path})
    loaded, unused = _loaded_by_funasr(description)
    found = {
        name for name, tensor in loaded.items() if tensor.shape == module.state_dict()[name].shape
    }
    assert found == module.loaded
    receiving = _ReceivingModule()
    load_pretrained_model(
        path=path,
        model=receiving,
        ignore_init_mismatch=False,
        **{**given, "scope_map": scope_map[:]},
    )
    assert unused == [
        name for number, name in enumerate(in_file, 1) if number not in receiving.given
    ]


@needs_whisper
@pytest.mark.parametrize("size", ["tiny.en", "large-v1", "large-v3-turbo"])
def test_whisper_by_name_is_found_in_the_cache_of_its_package(size: str) -> None:
    package = pytest.importorskip("whisper")
    loaded = download_model(model=f"Whisper-{size}", hub="openai")
    found = whisper_family.weights(loaded)
    assert found is not None
    assert found.name == Path(package._MODELS[loaded["model_path"]]).name
