"""A Valkey that can be killed and restarted on the same port with its data."""

import contextlib
import os
import signal
from typing import Any, Self

import redis
from redis.connection import parse_url

from funasr_fleet.embedded.process import GuardedProcess
from funasr_fleet.embedded.stack import Stack, start_valkey


class RestartableBroker:
    """The stack's Valkey; on exit, the server that runs then is stopped."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._process: GuardedProcess = stack.valkey
        place: Any = parse_url(stack.environment["FLEET_BROKER_URL"])
        self.port = int(place["port"])
        self._password = str(place["password"])
        self._keep_every_write()

    def kill(self) -> None:
        """Send SIGKILL, and wait until the process is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.group, signal.SIGKILL)
        self._process.stop()

    def start(self) -> None:
        """Start the server, and return once it answers with its data."""
        self._process = start_valkey(self._stack.directory / "valkey", self.port, self._password)
        self._keep_every_write()

    def _keep_every_write(self) -> None:
        """Sync every write, so that a SIGKILL loses none and tests can predict the state.

        By default the last two seconds of acknowledged writes may be missing from the file; after
        such a loss `fleet reconcile` is required.
        """
        client = redis.Redis(host="127.0.0.1", port=self.port, password=self._password)
        client.config_set("appendfsync", "always")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
