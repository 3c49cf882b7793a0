"""`fleet up` leaves no process running after any signal, and locks its data folder."""

import signal
from pathlib import Path

import pytest

from tests.support.fleet_up import Up, processes_naming, run_fleet, wait_for


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_no_process_or_data_is_left_behind(tmp_path: Path, number: int, code: int) -> None:
    data = tmp_path / "data"
    running = Up.start(data)
    assert len(processes_naming(str(data))) >= 5  # two servers, worker, child, metrics
    assert running.stop(number) == code
    wait_for(lambda: not processes_naming(str(data)), deadline_s=60)


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_second_stack_on_the_same_data_is_refused(up: Up, command: str) -> None:
    refused = run_fleet(command, "--data", str(up.data))
    assert refused.returncode == 2
    assert f"another `fleet up` or `fleet demo` is using {up.data}: stop it" in refused.stderr
    assert up.page("/healthz")[0] == 200
