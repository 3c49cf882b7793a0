"""Embedded processes: their guard, their end with their owner, startup and environment."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from funasr_fleet.embedded.process import GuardedProcess, StartFailed, adopt, free_port, isolated
from funasr_fleet.settings import Settings

PATIENCE_S = 5.0
GUARD = [sys.executable, "-m", "funasr_fleet.embedded.guard"]
CHILD = "sleep 60 & echo $! > child; echo $$ > parent; "


def _guard(folder: Path, script: str, grace_s: float = 3) -> "subprocess.Popen[bytes]":
    repository = str(Path(__file__).parents[3])
    command = [*GUARD, str(grace_s), "sh", "-c", script]
    environment = {**os.environ, "PYTHONPATH": repository}
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=folder, env=environment)


def _until(holds: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.01)
    return holds()


def _pid_in(file: Path) -> int:
    assert _until(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn:")).split()[1]
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_an_exit_code_passes_through(tmp_path: Path, script: str, code: int) -> None:
    with _guard(tmp_path, script) as guard:
        assert guard.wait(PATIENCE_S) == code


def test_closing_the_pipe_stops_the_command_and_its_children(tmp_path: Path) -> None:
    with _guard(tmp_path, CHILD + "wait") as guard:
        parent, child = _pid_in(tmp_path / "parent"), _pid_in(tmp_path / "child")
        assert guard.stdin
        guard.stdin.close()
        assert guard.wait(PATIENCE_S) == 128 + 15
    assert _until(lambda: _gone(parent) and _gone(child))


def test_a_command_is_asked_to_stop_before_it_is_killed(tmp_path: Path) -> None:
    script = "trap 'echo bye > said; exit 5' TERM; echo ready > parent; sleep 60 & wait"
    with _guard(tmp_path, script) as guard:
        assert _until((tmp_path / "parent").exists)
        assert guard.stdin
        guard.stdin.close()
        assert guard.wait(PATIENCE_S) == 5
    assert (tmp_path / "said").read_text() == "bye\n"


def test_a_command_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    script = "trap '' TERM; " + CHILD + "while true; do sleep 0.1; done"
    with _guard(tmp_path, script, grace_s=0.2) as guard:
        child = _pid_in(tmp_path / "child")
        _pid_in(tmp_path / "parent")
        assert guard.stdin
        guard.stdin.close()
        assert guard.wait(PATIENCE_S) == 128 + 9
    assert _until(lambda: _gone(child))


def test_children_that_outlive_the_command_die_with_it(tmp_path: Path) -> None:
    with _guard(tmp_path, CHILD + "exit 0") as guard:
        assert guard.wait(PATIENCE_S) == 0
    assert _until(lambda: _gone(_pid_in(tmp_path / "child")))


def test_a_signal_to_the_guard_alone_does_not_orphan_the_command(tmp_path: Path) -> None:
    with _guard(tmp_path, CHILD + "wait") as guard:
        child = _pid_in(tmp_path / "child")
        assert _until(lambda: _ignores(guard.pid, signal.SIGTERM))  # it has started the command
        guard.terminate()
        assert guard.stdin
        guard.stdin.close()
        assert guard.wait(PATIENCE_S) == 128 + 15  # SIGTERM ended only the command
    assert _until(lambda: _gone(child))


def test_the_command_dies_with_an_owner_that_was_killed(tmp_path: Path) -> None:
    owner = (
        "import subprocess, sys, time\n"
        f"g = subprocess.Popen({GUARD} + ['3', 'sh', '-c', {CHILD + 'wait'!r}],"
        " stdin=subprocess.PIPE)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen([sys.executable, "-c", owner], cwd=tmp_path, env=environment) as process:
        child = _pid_in(tmp_path / "child")
        process.kill()
    assert _until(lambda: _gone(child))


def test_a_process_that_answers_keeps_running(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = ["sh", "-c", f"touch {ready}; sleep 60"]
    with GuardedProcess(command, log=tmp_path / "logs/a.log", environment=os.environ) as process:
        assert process.wait_until(ready.exists) is process
        assert process.exit_code is None
    assert process.exit_code == 128 + 15


def test_a_process_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    process = GuardedProcess(
        ["sh", "-c", "echo no luck >&2; exit 9"], log=tmp_path / "a.log", environment=os.environ
    )
    with pytest.raises(StartFailed, match=r"(?s)ended with code 9.*no luck"):
        process.wait_until(lambda: False)


def test_a_process_that_does_not_answer_is_stopped(tmp_path: Path) -> None:
    process = GuardedProcess(["sleep", "60"], log=tmp_path / "a.log", environment=os.environ)
    with pytest.raises(StartFailed, match="did not answer within 0 s"):
        process.wait_until(lambda: False, deadline_s=0.1)
    assert process.exit_code is not None


def test_a_process_gets_only_the_given_environment(tmp_path: Path) -> None:
    show = "import os; print(os.environ['FLEET_X'], 'HOME' in os.environ)"
    log = tmp_path / "a.log"
    command = [sys.executable, "-c", show]
    with GuardedProcess(command, log=log, environment={"FLEET_X": "y"}) as process:
        process.wait_until(lambda: log.read_text().endswith("\n"))
    assert log.read_text() == "y False\n"


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLEET_KEY_PREFIX", "AWS_PROFILE", "HTTP_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.mark.usefixtures("foreign")
def test_settings_profiles_and_proxies_of_the_caller_are_removed() -> None:
    environment = isolated({"FLEET_MODEL": "demo"})
    assert "theirs" not in environment.values()
    assert environment["LANG"] == "C.UTF-8"


def test_every_setting_is_set_so_that_no_file_can_change_it() -> None:
    environment = isolated({"FLEET_MODEL": "demo"})
    assert environment["FLEET_MODEL"] == "demo"
    named = {name for name in environment if name.startswith("FLEET_")}
    assert named == {f"FLEET_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.usefixtures("foreign")
def test_an_adopted_environment_is_that_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    try:
        adopt({"FLEET_MODEL": "demo"})
        assert Settings.load().model == "demo"
        assert Settings.load().key_prefix == ""
    finally:
        os.environ.clear()
        os.environ.update(before)
