"""The models that the worker of `fleet up` loads."""

from pathlib import Path

import pytest

from funasr_fleet.embedded.services import chosen_models
from funasr_fleet.settings import BadConfiguration


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MODEL", "VAD_MODEL", "PUNC_MODEL", "SPK_MODEL"):
        monkeypatch.delenv(f"FLEET_{name}", raising=False)


def test_the_demo_model_is_the_default() -> None:
    assert chosen_models() == {"FLEET_MODEL": "demo"}


def test_models_in_the_environment_and_in_the_file_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fleet.toml").write_text('model = "a"\nspk_model = "cam++"\ndevices = "0"\n')
    monkeypatch.setenv("FLEET_VAD_MODEL", "/models/vad")
    monkeypatch.setenv("FLEET_PUNC_MODEL", "ct-punc")
    assert chosen_models() == {
        "FLEET_MODEL": "a",
        "FLEET_VAD_MODEL": "/models/vad",
        "FLEET_PUNC_MODEL": "ct-punc",
        "FLEET_SPK_MODEL": "cam++",
    }
    monkeypatch.setenv("FLEET_MODEL", "b")
    assert chosen_models()["FLEET_MODEL"] == "b"


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_MODLE", "x")
    with pytest.raises(BadConfiguration, match="did you mean FLEET_MODEL"):
        chosen_models()
