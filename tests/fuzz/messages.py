"""Sends fuzzed messages to a real worker, and a valid one after every few."""

import contextlib
import os
import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.faults.killing import slots
from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import running_stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.fuzz.changing_messages import element
from tests.fuzz.tally import Tally
from tests.support.messages import envelope, push, result_at, shard_body, task_headers, waiting

GROUP = 40
"""Fuzzed messages before each valid one."""
DEADLINE_S = 120.0
"""For a group and its valid message."""
MOST_BYTES = 256 << 20
"""How much Redis may grow, without the dead letters."""
_SAMPLE = "pin-code.wav"
_CHILDREN = 2
_MOST_FINDINGS = 3
"""After more, the run ends: each may take the whole deadline."""


class Target:
    """A worker with two children, its broker and its object store."""

    def __init__(self, worker: LocalWorker, settings: Settings, store: S3Store) -> None:
        self._worker, self._settings, self._store = worker, settings, store
        self._redis: Any = connect(settings)
        self._children = self._pids()
        self._memory = self._redis.info("memory")["used_memory"]
        self._output = f"s3://transcripts/{uuid.uuid4()}/"
        store.write("s3://audio/good.wav", (SAMPLES / _SAMPLE).read_bytes(), "audio/wav")

    def send(self, numbers: range, seed: int, tally: Tally) -> None:
        """Send a group and a valid message; wait until that one is transcribed."""
        for number in numbers:
            fuzzed = element(random.Random(f"{seed}-{number}"), f"{self._output}fuzzed/")
            push(self._settings, fuzzed)
        begin = time.monotonic()
        tally.check(f"valid message after message {numbers.stop - 1}", self._transcribe)
        tally.slowest_s = max(tally.slowest_s, time.monotonic() - begin)
        dead = DeadLetters(self._redis)
        tally.outcomes["dead letters"] += (found := dead.count())
        tally.outcomes["others"] += len(numbers) - found
        dead.drop([letter.message_id for page in dead.pages() for letter in page])

    def end(self, tally: Tally) -> None:
        """Check that nothing is left of the messages."""
        tally.check("messages are left", self._wait_until_empty)
        if self._pids() != self._children:
            tally.findings.append("a child ended")
        if self._worker.page("/readyz")[0] != 200:
            tally.findings.append(f"not ready: {self._worker.page('/readyz')[1]}")
        grown = self._redis.info("memory")["used_memory"] - self._memory
        if grown > MOST_BYTES:
            tally.findings.append(f"Redis has grown by {grown >> 20} MiB")

    def _transcribe(self) -> None:
        """Send a valid message and wait for its result."""
        name = str(uuid.uuid4())
        output = f"{self._output}{name}/"
        files = [{"audio": "s3://audio/good.wav"}]
        shard = {"schema": 1, "shard": name, "output": output, "files": files}
        push(self._settings, envelope(shard_body(shard), task_headers()))
        uri = f"{output}good.wav.json"
        if not result_at(self._worker, self._store, uri, DEADLINE_S)["text"]:
            raise ValueError("the result has no text")

    def _wait_until_empty(self) -> None:
        """Wait until every message is done. Raises TimeoutError with those that are left."""
        give_up = time.monotonic() + DEADLINE_S
        while waiting(self._settings):
            if time.monotonic() > give_up:
                raise TimeoutError(f"{self._redis.hvals('unacked')!s:.1000}")
            time.sleep(0.1)

    def _pids(self) -> list[int]:
        return [state.pid for state in slots(self._worker)]


def run_messages(count: int, seed: int) -> Tally:
    """Send this many messages to a worker of an embedded stack."""
    tally = Tally()
    with target() as running:
        for first in range(0, count, GROUP):
            running.send(range(first, min(first + GROUP, count)), seed, tally)
            if len(tally.findings) > _MOST_FINDINGS:
                break
        running.end(tally)
    return tally


@contextlib.contextmanager
def target() -> Iterator[Target]:
    """Start the servers and the worker; the environment of this process names them meanwhile."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as cleanup:
        directory = Path(folder)
        stack = cleanup.enter_context(running_stack(directory, ("audio", "transcripts")))
        before = dict(os.environ)
        cleanup.callback(os.environ.update, before)
        os.environ.update(stack.environment)
        devices = ",".join(["cpu"] * _CHILDREN)
        worker = cleanup.enter_context(LocalWorker(stack.environment, directory, devices))
        worker.wait_until_ready()
        yield Target(worker, Settings.load(), S3Store())
