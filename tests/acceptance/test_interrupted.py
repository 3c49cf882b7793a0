"""After SIGINT or SIGTERM at any step, a command runs its cleanup and exits with code 130.

The commands run with a hook that pauses them at a chosen step, so that the signal arrives there.
"""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_transcribe import CALL, keys
from tests.support.fleet_up import Up, clean_environment

_PAUSE = """\
import sys

def pause(step):
    print("paused at", step, flush=True)
    sys.stdin.readline()
"""

_RUN = """
from funasr_fleet.cli import main
main()
"""

BEFORE_ANY_IMPORT = """
class Watch:
    def find_spec(self, name, *_):
        if name == "funasr_fleet.cli.main":
            pause(name)

sys.meta_path.insert(0, Watch())
"""

BEFORE_A_SIDE_EFFECT = """
import threading

def watch(event, _):
    first = event in {"socket.connect", "subprocess.Popen"}
    if first and threading.current_thread() is threading.main_thread():
        pause(event)

sys.addaudithook(watch)
"""

BEFORE_THE_WAIT = """
from funasr_fleet.producer import single_file

def publish_one(*_):
    pause("publish")

single_file.publish_one = publish_one
"""

DURING_THE_CLEANUP = (
    BEFORE_THE_WAIT
    + """
from funasr_fleet.storage.s3 import S3Store

delete = S3Store.delete

def delete_slowly(store, uri):
    pause("delete")
    delete(store, uri)

S3Store.delete = delete_slowly
"""
)


class Paused:
    """A command that pauses at the steps of a hook."""

    def __init__(self, hook: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PAUSE + hook + _RUN, *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, step: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("paused at"):
                assert line == f"paused at {step}\n"
                return
        raise AssertionError(self.process.communicate()[1])

    def end(self) -> tuple[int, str]:
        """Let the command continue to its end; returns its exit code and standard error."""
        _, error = self.process.communicate("\n", timeout=60)
        return self.process.returncode, error


@contextlib.contextmanager
def paused(
    hook: str, step: str, arguments: list[str], environment: dict[str, str]
) -> Iterator[Paused]:
    command = Paused(hook, arguments, environment)
    try:
        command.wait_for(step)
        yield command
    finally:
        command.process.kill()
        command.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_still_being_imported_ends_with_130(number: int) -> None:
    environment = clean_environment()
    with paused(BEFORE_ANY_IMPORT, "funasr_fleet.cli.main", ["jobs"], environment) as command:
        command.process.send_signal(number)
        assert command.end() == (130, "")


OUTPUT = ("--output", "s3://transcripts/x/")


@pytest.mark.parametrize(
    ("arguments", "step"),
    [
        (["demo"], "subprocess.Popen"),
        (["up", "--data", "data"], "subprocess.Popen"),
        (["worker", "--devices", "cpu"], "socket.connect"),
        (["enqueue", "s3://audio/", *OUTPUT], "socket.connect"),
        (["transcribe", "s3://audio/a.wav", "--scratch", "s3://x/"], "socket.connect"),
        (["status", "x", "--watch"], "socket.connect"),
        (["dead", "list"], "socket.connect"),
        (["doctor", "--no-model"], "socket.connect"),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_sigterm_before_the_first_side_effect_ends_a_command_with_130(
    tmp_path: Path, arguments: list[str], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "FLEET_METRICS_PORT": "0"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "TMPDIR": str(tmp_path)}
    environment = clean_environment(
        **nowhere, **keys, FLEET_BROKER_URL="redis://127.0.0.1:1/0", AWS_DEFAULT_REGION="x"
    )
    with paused(BEFORE_A_SIDE_EFFECT, step, arguments, environment) as command:
        command.process.send_signal(signal.SIGTERM)
        code, error = command.end()
    assert (code, "Traceback" in error) == (130, False), error
    assert not list(tmp_path.glob("fleet-demo-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_upload_and_wait_deletes_the_upload(up: Up, number: int) -> None:
    arguments = ["transcribe", str(CALL)]
    with paused(BEFORE_THE_WAIT, "publish", arguments, up.environment) as command:
        (upload,) = keys(up, "scratch/uploads/")
        command.process.send_signal(number)
        code, _ = command.end()
    assert code == 130
    assert upload not in keys(up, "scratch/uploads/")


def test_a_repeated_sigterm_does_not_end_the_cleanup(up: Up) -> None:
    arguments = ["transcribe", str(CALL)]
    with paused(DURING_THE_CLEANUP, "publish", arguments, up.environment) as command:
        (upload,) = keys(up, "scratch/uploads/")
        command.process.send_signal(signal.SIGTERM)
        command.wait_for("delete")
        command.process.send_signal(signal.SIGTERM)
        code, _ = command.end()
    assert code == 130
    assert upload not in keys(up, "scratch/uploads/")
