"""A Valkey that is killed, and comes back on the same port with its data."""

import contextlib
import os
import signal
from typing import Any, Self

import redis
from redis.connection import parse_url

from local.process import GuardedProcess
from local.stack import Stack
from local.valkey import start_valkey


class MortalBroker:
    """The stack's Valkey; stops at the end whatever runs of it by then."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._process: GuardedProcess = stack.valkey
        place: Any = parse_url(stack.environment["FLEET_BROKER_URL"])
        self.port = int(place["port"])
        self._password = str(place["password"])
        self._keep_every_write()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.group, signal.SIGKILL)
        self._process.stop()

    def start(self) -> None:
        """Return once it answers with what it had."""
        self._process = start_valkey(self._stack.directory / "valkey", self.port, self._password)
        self._keep_every_write()

    def _keep_every_write(self) -> None:
        """By default the last two seconds of answered writes may not be in the file at a SIGKILL.

        Then reconciling is the remedy, and no test could say what it is to find.
        """
        client = redis.Redis(host="127.0.0.1", port=self.port, password=self._password)
        client.config_set("appendfsync", "always")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
