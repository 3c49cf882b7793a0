"""The files that a model's revision covers, and its canary before the first task."""

import json
from pathlib import Path

import pytest

from funasr_fleet.settings import Settings
from funasr_fleet.worker.engine.canary import canary_of, load_canary, transcribe_canary
from funasr_fleet.worker.engine.revision import (
    resolve_model,
    resolve_vad,
    revision_of,
    split_revision,
)
from funasr_fleet.worker.errors import ModelUnusable
from tests.support.audio import tone, wav
from tests.support.fake_pipeline import ScriptedEngine


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "models" / "asr"
    directory.mkdir(parents=True)
    (directory / "model.pt").write_bytes(b"weights")
    (directory / "config.yaml").write_text("model: Paraformer\n")
    return directory


def test_a_revision_is_the_same_for_the_same_bytes_wherever_they_lie(
    model: Path, tmp_path: Path
) -> None:
    before = revision_of([model])
    moved = model.rename(tmp_path / "elsewhere")
    assert revision_of([moved]) == before
    assert before.startswith("sha256:")


@pytest.mark.parametrize("name", ["model.pt", "config.yaml", "tokens.json", "am.mvn"])
def test_a_revision_changes_with_any_part_of_the_model(model: Path, name: str) -> None:
    before = revision_of([model])
    (model / name).write_bytes(b"other")
    assert revision_of([model]) != before


@pytest.mark.parametrize("name", ["README.md", "LICENSE", ".mdl", "example.wav"])
def test_files_that_hubs_add_do_not_change_the_revision(model: Path, name: str) -> None:
    before = revision_of([model])
    (model / name).write_bytes(b"other")
    assert revision_of([model]) == before


def test_a_revision_counts_every_model_that_was_loaded(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "vad"
    other.mkdir()
    (other / "model.pt").write_bytes(b"vad")
    assert revision_of([model, other]) != revision_of([model])


@pytest.mark.parametrize(
    ("model_name", "vad_name", "chosen"),
    [
        ("paraformer-zh", "auto", "fsmn-vad"),
        ("paraformer-zh", "own-vad", "own-vad"),
        ("demo", "own-vad", "own-vad"),
    ],
)
def test_the_vad_model_is_the_named_one_or_the_default(
    model_name: str, vad_name: str, chosen: str
) -> None:
    assert resolve_vad(Settings(model=model_name, vad_model=vad_name)) == chosen


def test_only_the_demo_model_is_resolved_to_this_package() -> None:
    assert Path(resolve_model("demo")).is_absolute()
    assert Path(resolve_vad(Settings(model="demo"))).is_absolute()
    assert resolve_model("paraformer-zh") == "paraformer-zh"


def test_a_single_file_has_a_revision(model: Path) -> None:
    weights = model / "model.pt"
    assert revision_of([weights]) not in (revision_of([model]), revision_of([]))


@pytest.mark.parametrize(
    ("name", "plain", "revision"),
    [
        ("iic/SenseVoiceSmall", "iic/SenseVoiceSmall", None),
        ("iic/SenseVoiceSmall@v2.0.4", "iic/SenseVoiceSmall", "v2.0.4"),
        ("@v1", "@v1", None),
    ],
)
def test_a_hub_name_may_hold_a_revision(name: str, plain: str, revision: str | None) -> None:
    assert split_revision(name) == (plain, revision)


def test_a_directory_name_may_contain_an_at_sign(tmp_path: Path) -> None:
    directory = tmp_path / "model@home"
    directory.mkdir()
    assert split_revision(str(directory)) == (str(directory), None)


def test_a_nested_model_is_part_of_the_revision(model: Path) -> None:
    before = revision_of([model])
    (model / "llm").mkdir()
    (model / "llm" / "tokenizer.json").write_text("{}")
    assert revision_of([model]) == before  # an unrelated folder
    (model / "llm" / "config.json").write_text("{}")
    with_llm = revision_of([model])
    (model / "llm" / "tokenizer.json").write_text("other")
    assert len({before, with_llm, revision_of([model])}) == 3


def test_an_onnx_export_counts_only_without_weights(model: Path) -> None:
    before = revision_of([model])
    (model / "model_quant.onnx").write_bytes(b"export")
    assert revision_of([model]) == before
    (model / "model.pt").unlink()
    alone = revision_of([model])
    (model / "model_quant.onnx").write_bytes(b"other")
    assert revision_of([model]) != alone


def _leave_canary(directory: Path, text: str) -> None:
    (directory / "canary.wav").write_bytes(wav(tone(1)))
    (directory / "canary.json").write_text(json.dumps({"text": text}))


@pytest.mark.parametrize("place", [".", ".."])
def test_a_model_that_transcribes_its_canary_is_accepted(model: Path, place: str) -> None:
    _leave_canary(model / place, "three nine zero")
    assert transcribe_canary(ScriptedEngine(), load_canary(model)) == "three nine zero"


def test_a_model_that_misrecognises_its_canary_is_rejected(model: Path) -> None:
    _leave_canary(model, "five")
    with pytest.raises(ModelUnusable, match=r"'five'.*'three nine zero'"):
        transcribe_canary(ScriptedEngine(), load_canary(model))


def test_the_canary_of_the_model_takes_precedence_over_that_of_its_folder(model: Path) -> None:
    _leave_canary(model.parent, "five")
    _leave_canary(model, "three")
    assert canary_of(model) == (model / "canary.wav", "three")


def test_without_a_canary_text_nothing_is_compared(model: Path) -> None:
    (model / "canary.wav").write_bytes(b"without words")
    assert canary_of(model)[1] is None
