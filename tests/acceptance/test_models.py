"""A fleet with two models: a job is routed to the workers that serve the model it asks for."""

import contextlib
import json
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fleet_up import FLEET, SAMPLES, Up, wait_for

pytestmark = pytest.mark.slow

CALL = SAMPLES / "calls" / "voicemail.wav"
TEXT = json.loads((SAMPLES / "references.json").read_text())["calls/voicemail.wav"]["text"]
DEMO = Path(__file__).parents[2] / "demo_model" / "demo" / "asr"
REASON = "it does not support hotwords: leave them out"
LOADED_WITHIN_S = 300.0
"""Deadline on a machine under load."""
NAME = "voicemail.wav.json"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A separate fleet, because other tests count the queues of the shared one."""
    running = Up.start(tmp_path_factory.mktemp("models") / "data")
    yield running
    running.stop()


@pytest.fixture
def source(own: Up) -> str:
    """A prefix with one recording."""
    prefix = f"{uuid.uuid4()}/"
    own.s3.upload_file(str(CALL), "audio", f"{prefix}voicemail.wav")
    return f"s3://audio/{prefix}"


def output() -> str:
    return f"s3://transcripts/{uuid.uuid4()}/"


def keys(up: Up, prefix: str) -> list[str]:
    answer = up.s3.list_objects_v2(Bucket="transcripts", Prefix=prefix)
    return [item["Key"] for item in answer.get("Contents", ())]


def test_an_option_that_the_model_does_not_support_is_rejected_and_nothing_is_written(
    own: Up, source: str
) -> None:
    where = output()
    job = ("enqueue", source, "--output", where, "--job", "refused", "--hotwords", "nine")
    done = own.fleet(*job)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"fleet: demo does not support this job: {REASON}\n"
    assert keys(own, where.removeprefix("s3://transcripts/")) == []
    assert own.fleet("status", "refused").returncode == 3
    one = own.fleet("transcribe", str(CALL), "--hotwords", "nine")
    assert (one.returncode, one.stdout) == (2, "")
    assert "does not support hotwords" in one.stderr


def test_a_queue_with_a_worker_causes_no_warning(own: Up, source: str) -> None:
    done = own.fleet("enqueue", source, "--output", output(), "--model", "demo", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["queue"], found["warnings"]) == ("fleet", [])
    assert own.wait_for_job(found["job"])["outcomes"]["ok"] == 1


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A second model: the weights of the fleet's model under another name."""
    return str(shutil.copytree(DEMO, tmp_path / "another"))


@contextlib.contextmanager
def worker_of(up: Up, model: str, queue: str, folder: Path) -> Iterator[None]:
    """A second worker, on its own queue."""
    mine = {"FLEET_MODEL": model, "FLEET_VAD_MODEL": "demo", "FLEET_DEVICES": "cpu"}
    where = {"FLEET_RUN_DIR": str(folder / "run"), "FLEET_METRICS_PORT": "0"}
    with (folder / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [*FLEET, "worker", "--queue", queue],
            env={**up.environment, **mine, **where},
            stderr=log,
            stdout=log,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def serves(up: Up, queue: str, model: str) -> bool:
    served = map(json.loads, up.redis.zrange("fleet:serving", 0, -1))
    return [queue, model] in served


@pytest.mark.timeout(600)
def test_a_job_waits_in_the_queue_of_its_model_until_a_worker_loads_it(
    own: Up, source: str, model: str, tmp_path: Path
) -> None:
    where = output()
    done = own.fleet("enqueue", source, "--output", where, "--model", model, "--json")
    found = json.loads(done.stdout)
    queue, job = found["queue"], found["job"]
    assert (done.returncode, done.stderr) == (0, f"fleet: {found['warnings'][0]}\n")
    assert f"no worker serves {model} now; the job waits in queue {queue} until" in done.stderr
    assert done.stderr.endswith(f"FLEET_MODEL={model} fleet worker --queue {queue}\n")
    status = json.loads(own.fleet("status", job, "--json").stdout)
    assert (status["waiting"], status["ready_messages"]) == (1, 1)  # the fleet's worker is idle

    with worker_of(own, model, queue, tmp_path):
        wait_for(lambda: serves(own, queue, model), LOADED_WITHIN_S)
        assert own.wait_for_job(job)["outcomes"]["ok"] == 1
        result = own.read_json(where.removeprefix("s3://transcripts/") + NAME)
        assert result
        assert (result["text"], result["receipt"]["model"]) == (TEXT, model)

        # the model is known now: no warning, and existing results are skipped
        again = own.fleet("enqueue", source, "--output", where, "--model", model, "--json")
        assert (again.returncode, again.stderr) == (0, "")
        found = json.loads(again.stdout)
        assert (found["queue"], found["skipped"], found["enqueued"]) == (queue, 1, 0)
        refused = own.fleet("enqueue", source, "--output", where, "--model", model, "--itn")
        assert refused.returncode == 2
        assert f"{model} does not support this job: " in refused.stderr


def test_a_worker_renews_its_registration(own: Up) -> None:
    def registered_at() -> float:
        return float(own.redis.zscore("fleet:serving", json.dumps(["fleet", "demo"])))

    first = registered_at()
    assert abs(time.time() - first) < 120
    wait_for(lambda: registered_at() > first)


def test_up_uses_the_models_that_are_set(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "asr")
    model = str(tmp_path / "asr")
    up = Up.start(tmp_path / "data", FLEET_MODEL=model, FLEET_VAD_MODEL="demo")
    try:
        names = ("FLEET_MODEL", "FLEET_VAD_MODEL")
        assert [up.environment[name] for name in names] == [model, "demo"]
        done = up.fleet("transcribe", str(CALL), "--json")
        transcript = json.loads(done.stdout)["transcript"]
        assert (transcript["receipt"]["model"], transcript["text"]) == (model, TEXT)
    finally:
        up.stop()
