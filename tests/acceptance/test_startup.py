"""A worker that cannot start reports the reason and exits with the code of its cause."""

import json
import socket
from pathlib import Path

import pytest

from tests.support.fleet_up import Up, run_fleet


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def environment(up: Up, tmp_path: Path) -> dict[str, str]:
    """Environment of a second worker with the running stack."""
    mine = {"FLEET_METRICS_PORT": "0", "FLEET_DEVICES": "cpu", "FLEET_RUN_DIR": str(tmp_path)}
    return {**up.environment, **mine}


def start(environment: dict[str, str], **changes: str) -> tuple[int, str]:
    done = run_fleet("worker", environment={**environment, **changes})
    return done.returncode, done.stderr


def test_an_unavailable_broker_is_code_3(environment: dict[str, str]) -> None:
    url = f"redis://:secret@127.0.0.1:{closed_port()}/0"
    code, output = start(environment, FLEET_BROKER_URL=url)
    assert code == 3
    assert "fleet: Redis cannot be reached" in output
    assert "secret" not in output


@pytest.mark.slow
def test_a_wrong_broker_password_is_code_3(environment: dict[str, str]) -> None:
    url = environment["FLEET_BROKER_URL"]
    password = url.split(":")[2].split("@")[0]
    code, output = start(environment, FLEET_BROKER_URL=url.replace(password, "wrong-one"))
    assert code == 3
    assert "Redis refused the login" in output
    assert "wrong-one" not in output


def test_an_unavailable_object_store_is_code_3(environment: dict[str, str]) -> None:
    code, output = start(environment, AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{closed_port()}")
    assert code == 3
    assert "storage cannot be reached" in output


def test_wrong_credentials_are_code_2(environment: dict[str, str]) -> None:
    code, output = start(environment, AWS_SECRET_ACCESS_KEY="wrong-secret")
    assert code == 2
    assert "storage rejected the credentials" in output
    assert "wrong-secret" not in output


def test_a_missing_gpu_is_code_2_and_suggests_a_fix(
    environment: dict[str, str],
) -> None:
    code, output = start(environment, FLEET_DEVICES="97")
    assert code == 2
    assert "GPU 97 was not found" in output
    assert "FLEET_DEVICES=cpu" in output


def test_a_misspelt_setting_suggests_the_correct_one(environment: dict[str, str]) -> None:
    code, output = start(environment, FLEET_MODLE="demo")
    assert code == 2
    assert output.strip() == "fleet: FLEET_MODLE is not a setting; did you mean FLEET_MODEL?"


@pytest.mark.parametrize("variable", ["FLEET_MODEL", "FLEET_SPK_MODEL"])
def test_a_model_directory_without_a_configuration_is_code_2(
    environment: dict[str, str], tmp_path: Path, variable: str
) -> None:
    (tmp_path / "model").mkdir()
    model = str(tmp_path / "model")
    code, output = start(environment, **{variable: model})
    assert code == 2
    assert f"fleet: {variable} {model}: the directory is empty; " in output


@pytest.mark.slow
def test_a_model_that_cannot_load_ends_the_worker_after_three_tries(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("model: NoSuchClass\n")
    (tmp_path / "model.pt").touch()
    model = str(tmp_path)
    code, output = start(environment, FLEET_MODEL=model, FLEET_VAD_MODEL="demo", FLEET_QUEUE="x")
    assert code == 3
    assert output.count(f"slot 0 cannot start: the recogniser '{model}' cannot be loaded") == 3
    assert "slot 0 cannot start (failures in a row: 3), shutting down the worker" in output


@pytest.mark.slow
def test_a_model_without_weights_is_rejected(environment: dict[str, str], tmp_path: Path) -> None:
    import shutil

    demo = Path(__file__).parents[2] / "demo_model" / "demo"
    shutil.copytree(demo, tmp_path / "demo")
    (tmp_path / "demo/asr/model.pt").unlink()
    model = str(tmp_path / "demo/asr")
    code, output = start(
        environment, FLEET_MODEL=model, FLEET_QUEUE="other", FLEET_VAD_MODEL="demo"
    )
    assert code == 3
    assert "has no weights" in output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "role", "name"),
    [
        ("asr", "recogniser", "encoder.encoders0.0.self_attn.linear_out.weight"),
        ("vad", "vad", "encoder.in_linear1.linear.weight"),
    ],
)
def test_weights_that_do_not_match_the_model_are_code_3_and_are_named(
    environment: dict[str, str], tmp_path: Path, part: str, role: str, name: str
) -> None:
    import shutil

    import torch

    demo = Path(__file__).parents[2] / "demo_model" / "demo"
    for folder in ("asr", "vad"):  # without the canary of this model
        shutil.copytree(demo / folder, tmp_path / folder)
    weights = torch.load(tmp_path / part / "model.pt")
    assert name in weights
    torch.save({f"other.{key}": weights[key] for key in weights}, tmp_path / part / "model.pt")
    models = {"FLEET_MODEL": str(tmp_path / "asr"), "FLEET_VAD_MODEL": str(tmp_path / "vad")}
    reason = (
        f"the weights of the {role} do not fit its configuration: {len(weights)} of {len(weights)} "
        f"tensors are not in {tmp_path / part / 'model.pt'} ({name}, "
    )

    code, output = start(environment, FLEET_QUEUE="other", **models)
    assert code == 3
    assert output.count(f"slot 0 cannot start: {reason}") == 1
    assert (
        f"slot 0 cannot start (failures in a row: 1), shutting down the worker: {reason}" in output
    )

    done = run_fleet("doctor", "--json", environment={**environment, **models})
    (row,) = (one for one in json.loads(done.stdout) if one["row"] == "model")
    assert (done.returncode, row["verdict"]) == (3, "error")
    assert reason in row["told"]


@pytest.mark.slow
def test_a_model_with_a_different_transcript_fails_its_canary(
    environment: dict[str, str], tmp_path: Path
) -> None:
    import shutil

    demo = Path(__file__).parents[2] / "demo_model" / "demo"
    shutil.copytree(demo, tmp_path / "demo")
    (tmp_path / "demo/canary.json").write_text('{"text": "something else"}')
    model = str(tmp_path / "demo/asr")
    code, output = start(
        environment, FLEET_MODEL=model, FLEET_QUEUE="other", FLEET_VAD_MODEL="demo"
    )
    assert code == 3
    assert "canary mismatch: expected 'something else'" in output


@pytest.mark.parametrize(
    "command", [("status",), ("enqueue", "s3://audio/", "--output", "s3://transcripts/")]
)
def test_a_command_without_a_broker_is_code_3(
    environment: dict[str, str], command: tuple[str, ...]
) -> None:
    url = f"redis://127.0.0.1:{closed_port()}/0"
    done = run_fleet(*command, environment={**environment, "FLEET_BROKER_URL": url})
    assert done.returncode == 3
    assert done.stderr.startswith("fleet: Redis cannot be reached")
