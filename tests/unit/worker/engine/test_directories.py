"""The error for a missing or incomplete model directory is raised before anything is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.settings import BadConfiguration, Settings
from funasr_fleet.worker.app import launch
from funasr_fleet.worker.engine import loader
from funasr_fleet.worker.engine.directories import ROLES, check_directories, load_advice, problem_of
from funasr_fleet.worker.process.hardware import SlotPlan

NAMED = {"file_path_metas": {"config": "other.yaml", "init_param": "model.pt"}}


def made(directory: Path, **files: str) -> str:
    directory.mkdir()
    for name, text in files.items():
        (directory / name.replace("_", ".")).write_text(text)
    return str(directory)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "the directory is empty; docs/models.md lists the required files"),
        ({"model_pt": ""}, "it has no config.yaml; docs/models.md lists the required files"),
        ({"config_yaml": ""}, None),
        ({"other_yaml": "", "configuration_json": json.dumps(NAMED)}, None),
        ({"config_yaml": "", "configuration_json": json.dumps(NAMED)}, "it has no other.yaml; "),
        ({"config_yaml": "", "configuration_json": "{}"}, "its configuration.json names no "),
        ({"config_yaml": "", "configuration_json": "[1]"}, "its configuration.json names no "),
        ({"config_yaml": "", "configuration_json": "{"}, "its configuration.json names no "),
    ],
)
def test_a_directory_needs_the_configuration_that_funasr_reads(
    tmp_path: Path, files: dict[str, str], problem: str | None
) -> None:
    found = problem_of(made(tmp_path / "model", **files))
    assert found is None if problem is None else (found or "").startswith(problem)


@pytest.mark.parametrize(
    "name", ["/nowhere/x", "./x", "../x", "models/zh/x", "/nowhere/x@v1", "x/y/"]
)
def test_a_path_that_does_not_exist_is_not_looked_up_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert problem_of(name) == "there is no such directory"


def test_a_tilde_is_not_expanded() -> None:
    assert problem_of("~/models/x") == (
        "there is no such directory; ~ is not expanded: give the whole path"
    )


def test_a_name_that_could_be_a_mistyped_directory_cannot_be_loaded(tmp_path: Path) -> None:
    assert "there is no such directory, so the name was looked up on the hub" in load_advice(
        "models/zh@v1"
    )
    assert load_advice(str(tmp_path)) == "check the files in its directory"


@pytest.mark.parametrize("name", ["paraformer-zh", "iic/SenseVoiceSmall", "cam++", "a/b@v2.0"])
def test_other_names_are_hub_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert problem_of(name) is None


def test_a_file_is_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "model.pt").touch()
    assert problem_of(str(tmp_path / "model.pt")) == "it is not a directory"


SETTINGS = {"FLEET_MODEL": "model", "FLEET_VAD_MODEL": "vad_model"}
SETTINGS |= {"FLEET_PUNC_MODEL": "punc_model", "FLEET_SPK_MODEL": "spk_model"}


def _fail(*_: Any, **__: Any) -> Any:
    raise AssertionError("a model was loaded")


@pytest.mark.parametrize("variable", sorted(ROLES.values()))
def test_each_model_is_checked_before_a_worker_starts_and_before_any_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    missing = str(tmp_path / "nowhere")
    demo = Settings(model="demo", devices="cpu")
    settings = demo.model_copy(update={SETTINGS[variable]: missing})
    message = f"{variable} {missing}: there is no such directory"
    monkeypatch.setattr("funasr.AutoModel", _fail)
    plan = SlotPlan(slot=0, device="cpu", visible="", threads=1)
    for check in (
        check_directories,
        launch.check_worker,
        lambda given: loader.build_engine(given, plan),
    ):
        with pytest.raises(BadConfiguration) as caught:
            check(settings)
        assert str(caught.value) == message
