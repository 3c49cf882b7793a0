"""Parts of a model that transformers loads have the values of the files in their directory."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from funasr_fleet.worker.engine.checks import assert_loaded
from funasr_fleet.worker.errors import ModelUnusable

transformers = pytest.importorskip("transformers")

SIZES = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
QUERY = "encoder.layer.0.attention.self.query.weight"
Weights = dict[str, torch.Tensor]


@pytest.fixture(params=[True, False], ids=["safetensors", "bin"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory with a small BERT and its weights."""
    config = transformers.BertConfig(intermediate_size=16, **SIZES)
    transformers.BertModel(config).save_pretrained(tmp_path)
    if not request.param:
        file = tmp_path / "model.safetensors"
        torch.save(load_file(file), tmp_path / "pytorch_model.bin")
        file.unlink()
    return tmp_path


def recogniser(part: Any) -> Any:
    """An AutoModel of an unknown class with a part of transformers and no other tensors."""
    module = torch.nn.Module()
    module.add_module("llm", part)
    return SimpleNamespace(model=module, kwargs={"model": "SomeOther"})


def change(directory: Path, how: Callable[[Weights], Weights]) -> None:
    """Save the weights as `how` returns them."""
    file, old = directory / "model.safetensors", directory / "pytorch_model.bin"
    if file.exists():
        save_file(how(load_file(file)), file, metadata={"format": "pt"})
    else:
        torch.save(how(torch.load(old)), old)


def refused(part: Any) -> str:
    with pytest.raises(ModelUnusable) as caught:
        assert_loaded("recogniser", recogniser(part))
    return str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_part_with_the_values_of_its_files_is_used(directory: Path, dtype: torch.dtype) -> None:
    part = transformers.AutoModel.from_pretrained(directory, dtype=dtype)
    assert_loaded("recogniser", recogniser(part))


def test_the_files_may_be_of_the_whole_model(directory: Path) -> None:
    change(directory, lambda weights: {f"bert.{name}": one for name, one in weights.items()})
    assert_loaded("recogniser", recogniser(transformers.AutoModel.from_pretrained(directory)))


def test_renamed_tensors_are_refused_with_their_names(directory: Path) -> None:
    """transformers loads the part with random values."""
    change(directory, lambda weights: {f"other.{name}": one for name, one in weights.items()})
    part = transformers.AutoModel.from_pretrained(directory)
    total = len(part.state_dict())
    assert f"{total} of {total} tensors are not in" in refused(part)


def test_one_missing_tensor_is_named(directory: Path) -> None:
    change(directory, lambda weights: {k: v for k, v in weights.items() if k != QUERY})
    part = transformers.AutoModel.from_pretrained(directory)
    assert f": 1 of {len(part.state_dict())} tensors are not in" in (said := refused(part))
    assert f"(llm.{QUERY})" in said


def test_a_part_that_is_only_built_from_the_configuration_is_refused(directory: Path) -> None:
    config = transformers.AutoConfig.from_pretrained(directory)
    part = transformers.AutoModel.from_config(config)
    assert part.name_or_path
    assert f"llm.{QUERY}" in refused_names(part)


def refused_names(part: Any) -> list[str]:
    """The tensors that are not those of the files."""
    from funasr_fleet.worker.engine.families import externally_loaded

    refused(part)
    found = externally_loaded(recogniser(part))
    return [f"llm.{name}" for name in part.state_dict() if f"llm.{name}" not in found]


def test_a_part_without_files_is_refused(directory: Path) -> None:
    """Its files cannot be compared, as those of a name on a hub."""
    part = transformers.AutoModel.from_pretrained(directory)
    part.config._name_or_path = part.name_or_path = "someone/some-model"
    assert "tensors are not in any weights file" in refused(part)


def test_tied_tensors_are_in_the_file_once(tmp_path: Path) -> None:
    sizes = {**SIZES, "intermediate_size": 16, "num_key_value_heads": 2, "head_dim": 8}
    config = transformers.Qwen3Config(tie_word_embeddings=True, **sizes)
    transformers.Qwen3ForCausalLM(config).save_pretrained(tmp_path)
    part = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert "lm_head.weight" in part.state_dict()
    assert_loaded("recogniser", recogniser(part))
