"""A guarded process is waited for, and its log is shown when it does not come up."""

import os
import socket
import sys
from pathlib import Path

import pytest

from funasr_fleet.embedded.process import GuardedProcess, StartFailed, adopt, free_port, isolated
from funasr_fleet.settings import Settings


def test_a_process_that_answers_goes_on(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = ["sh", "-c", f"touch {ready}; sleep 60"]
    with GuardedProcess(command, log=tmp_path / "logs/a.log", environment=os.environ) as process:
        assert process.wait_until(ready.exists) is process
        assert process.exit_code is None
    assert process.exit_code == 128 + 15


def test_a_process_that_ends_early_shows_what_it_said(tmp_path: Path) -> None:
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


def test_a_process_gets_the_environment_that_it_is_given_and_no_other(tmp_path: Path) -> None:
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
def test_settings_profiles_and_proxies_of_the_caller_are_left_out() -> None:
    environment = isolated({"FLEET_MODEL": "demo"})
    assert "theirs" not in environment.values()
    assert environment["LANG"] == "C.UTF-8"


def test_every_setting_is_named_so_that_no_file_can_change_it() -> None:
    environment = isolated({"FLEET_MODEL": "demo"})
    assert environment["FLEET_MODEL"] == "demo"
    named = {name for name in environment if name.startswith("FLEET_")}
    assert named == {f"FLEET_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.usefixtures("foreign")
def test_adopting_it_makes_it_this_process_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    try:
        adopt({"FLEET_MODEL": "demo"})
        assert Settings.load().model == "demo"
        assert Settings.load().key_prefix == ""
    finally:
        os.environ.clear()
        os.environ.update(before)
