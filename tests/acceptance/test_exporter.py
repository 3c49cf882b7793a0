"""`fleet exporter` with a running fleet, and without a broker."""

import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.fleet_up import FLEET, Up, run_fleet, wait_for

Samples = dict[str, dict[str, float]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def page(port: int, path: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            text: str = answer.read().decode()
            return text
    except urllib.error.URLError:
        return None


def start(environment: dict[str, str]) -> "tuple[subprocess.Popen[str], int]":
    port = free_port()
    command = [*FLEET, "exporter", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: page(port, "/readyz"))
    return process, port


@pytest.fixture(scope="module")
def port(up: Up) -> Iterator[int]:
    process, port = start(up.environment)
    yield port
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors


def samples(port: int) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(page(port, "/metrics") or ""):
        for sample in family.samples:
            labels = " ".join(f"{name}={value}" for name, value in sample.labels.items())
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_it_exports_a_finished_job_and_an_empty_queue(port: int, job: str) -> None:
    found = samples(port)
    assert found["asr_broker_up"][""] == 1
    assert found["asr_backlog_messages"] == {
        "queue=fleet state=ready": 0,
        "queue=fleet state=unacked": 0,
    }
    assert found["asr_job_files"][f"job={job} state=done"] >= 10
    assert found["asr_job_files"][f"job={job} state=waiting"] == 0
    assert found["asr_job_failures"][f"job={job} kind=undecodable_audio"] >= 1
    assert found["asr_job_audio_seconds"][f"job={job}"] > 60
    assert found["asr_jobs"]["state=complete"] >= 1
    assert found["asr_broker_clients"][""] >= 1
    assert (page(port, "/healthz"), page(port, "/readyz")) == ("ok\n", "ok\n")


def test_without_a_broker_it_reports_the_error_and_keeps_running(up: Up) -> None:
    unused = f"redis://:secret@127.0.0.1:{free_port()}/0"
    process, port = start({**up.environment, "FLEET_BROKER_URL": unused})
    assert samples(port) == {"asr_broker_up": {"": 0}}
    assert page(port, "/healthz") == "ok\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Redis cannot be reached" in errors
    assert "secret" not in errors
    assert "Traceback" not in errors


def test_a_port_in_use_is_a_usage_error(up: Up, port: int) -> None:
    done = run_fleet("exporter", "--port", str(port), environment=up.environment)
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
