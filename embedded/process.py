"""Starts a guarded command, waits until it is ready, stops it. It never outlives its owner.

`isolated` makes an environment without the caller's own fleet and cloud variables.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from funasr_fleet.settings import Settings

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 15.0


class StartFailed(Exception):
    """A part of the embedded stack did not start, or a job did not end: read the named log."""


class GuardedProcess:
    """One running command, whose output goes to a log file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        grace_s: float = STOP_DEADLINE_S,
        inherits: Sequence[int] = (),
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._grace_s = grace_s
        guarded = [sys.executable, "-m", "funasr_fleet.embedded.guard", str(grace_s), *command]
        with log.open("ab") as output:
            self._guard = subprocess.Popen(  # noqa: S603 - our own command
                guarded,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
                pass_fds=inherits,  # inherited by the guard, which exits after the command
            )

    @property
    def exit_code(self) -> int | None:
        """The command's exit code; None while it is running."""
        return self._guard.poll()

    @property
    def group(self) -> int:
        """Id of the process group that the command leads; its children belong to it.

        Raises:
            LookupError: the command is not running.
        """
        try:
            children = psutil.Process(self._guard.pid).children()  # only the command
        except psutil.NoSuchProcess:
            children = []
        if not children:
            raise LookupError(f"the process of {self.log} is not running")
        leader: int = children[0].pid
        return leader

    def wait_until(
        self,
        ready: Callable[[], bool],
        deadline_s: float = START_DEADLINE_S,
        every_s: float = 0.05,
    ) -> Self:
        """Poll the condition until it is true.

        Raises:
            StartFailed: the command exited or the deadline passed before the condition was true.
        """
        give_up = time.monotonic() + deadline_s
        while not ready():
            if self.exit_code is not None:
                self._fail(f"ended with code {self.exit_code}")
            if time.monotonic() > give_up:
                self._fail(f"did not answer within {deadline_s:.0f} s")
            time.sleep(every_s)
        return self

    def _fail(self, what: str) -> None:
        self.stop()
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        raise StartFailed(f"the process {what}; its log {self.log} ends:\n{tail}")

    def stop(self) -> int:
        """Stop the command and its children; returns its exit code."""
        if self._guard.stdin and not self._guard.stdin.closed:
            self._guard.stdin.close()
        try:
            return self._guard.wait(self._grace_s + 5)
        except subprocess.TimeoutExpired:
            os.killpg(self._guard.pid, signal.SIGKILL)
            return self._guard.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_FOREIGN = re.compile(r"^(FLEET_|AWS_|.*_PROXY$|.*_proxy$)")


def isolated(environment: dict[str, str]) -> dict[str, str]:
    """This process's environment with all settings at their defaults, except those given.

    Settings, AWS profiles and proxies meant for a real fleet would break the embedded one. Every
    setting is set explicitly, so that a `fleet.toml` in the current folder has no effect.
    """
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    defaults = Settings.model_construct().to_environment()
    return {**kept, **defaults, **environment}


def adopt(environment: dict[str, str]) -> None:
    """Replace this process's environment with that of the stack."""
    adopted = isolated(environment)
    os.environ.clear()
    os.environ.update(adopted)
