"""The models that the worker of `fleet up` loads."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from funasr_fleet.cli.run import up
from funasr_fleet.contract.queues import MODEL_LOAD_LIMIT_S
from funasr_fleet.embedded.services import LocalExporter, LocalWorker, chosen_models
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
    (tmp_path / "config.yaml").touch()
    monkeypatch.setenv("FLEET_VAD_MODEL", str(tmp_path))
    monkeypatch.setenv("FLEET_PUNC_MODEL", "ct-punc")
    assert chosen_models() == {
        "FLEET_MODEL": "a",
        "FLEET_VAD_MODEL": str(tmp_path),
        "FLEET_PUNC_MODEL": "ct-punc",
        "FLEET_SPK_MODEL": "cam++",
    }
    monkeypatch.setenv("FLEET_MODEL", "b")
    assert chosen_models()["FLEET_MODEL"] == "b"


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_MODLE", "x")
    with pytest.raises(BadConfiguration, match="did you mean FLEET_MODEL"):
        chosen_models()


@pytest.mark.parametrize("name", ["MODEL", "VAD_MODEL", "PUNC_MODEL", "SPK_MODEL"])
def test_a_directory_without_a_model_is_refused_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"FLEET_{name}", str(tmp_path))
    with pytest.raises(BadConfiguration, match=f"^FLEET_{name} {tmp_path}: the directory is empty"):
        chosen_models()
    data = tmp_path / "data"
    with pytest.raises(BadConfiguration):
        up(data)
    assert not data.exists()


@pytest.mark.parametrize(
    ("service", "limit_s"), [(LocalWorker, MODEL_LOAD_LIMIT_S), (LocalExporter, 120.0)]
)
def test_a_worker_may_load_its_models_as_long_as_any_worker(service: Any, limit_s: float) -> None:
    limits: list[float] = []
    started = object.__new__(service)
    started.process = SimpleNamespace(wait_until=lambda is_ready, most_s: limits.append(most_s))
    started.wait_until_ready()
    started.wait_until_ready(7.0)
    assert limits == [limit_s, 7.0]
