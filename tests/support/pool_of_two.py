"""Celery's pool after both children were killed with a message and the connection was lost.

Run as a program: prints as JSON whether the message pipe of a new child reuses the descriptor
number of a killed child's result pipe, and how many of two new messages were processed.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from celery.concurrency.asynpool import AsynPool
from kombu.asynchronous import Hub, set_event_loop

from funasr_fleet.worker.consumer.celery_patches import forget_replaced_pipes

_WITHIN_S = 30
_NOTHING = "/nowhere/at/all"


def wait_for(path: str) -> None:
    """The task of a message: wait until the file exists."""
    while not os.path.exists(path):
        time.sleep(0.01)


class PoolOfTwo:
    """A pool with its event loop, as in Celery's consumer."""

    def __init__(self) -> None:
        self.hub = Hub()
        set_event_loop(self.hub)
        self.accepted: list[int] = []
        """Pids of the children that start messages."""
        self.ended: list[Any] = []
        self._pool = AsynPool(
            processes=2, threads=False, lost_worker_timeout=0.1, sched_strategy="fair"
        )

    def connect(self) -> None:
        """Register with the loop; called again after the connection was lost."""
        self._pool.register_with_event_loop(self.hub)
        self._loop = self.hub.create_loop()
        self.turn(lambda: len(self._pool._all_inqueues) == 2)

    def lose_broker(self, *, forget: bool) -> None:
        """The calls of Celery and StallWatch after a lost connection."""
        self.hub.reset()
        self._pool.flush()
        if forget:
            forget_replaced_pipes(self._pool)

    def turn(self, until: Callable[[], bool], within_s: float = _WITHIN_S) -> bool:
        """Run the loop until a condition holds; return whether it does."""
        deadline = time.monotonic() + within_s
        while not until() and time.monotonic() < deadline:
            next(self._loop)
        return until()

    def send(self, path: str) -> None:
        """Send a message that a child finishes when the file exists."""
        self._pool.apply_async(
            wait_for,
            (path,),
            callback=self.ended.append,
            error_callback=self.ended.append,
            accept_callback=lambda pid, _: self.accepted.append(pid),
        )

    def begin(self, path: str) -> int:
        """Send such a message; return the pid of the child that started it."""
        before = len(self.accepted)
        self.send(path)
        self.turn(lambda: len(self.accepted) > before)
        return self.accepted[-1]

    def begin_two(self, folder: str) -> None:
        """Give each child a message, in order."""
        path = os.path.join(folder, "end")
        if self.begin(path) != self._pool._pool[0].pid:
            self.begin(_NOTHING)
            with open(path, "w"):
                self.turn(lambda: bool(self.ended))
        self.begin(_NOTHING)

    def kill_both(self) -> None:
        """Kill both children and wait for their replacements."""
        before = [child.pid for child in self._pool._pool]
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        for pid in before:  # the pool must see both at once: wait without reaping them
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.turn(lambda: all(child.pid not in before for child in self._pool._pool))
        self.turn(lambda: len(self._pool._all_inqueues) == 2)

    def message_pipe_is_indexed(self) -> bool:
        """Whether a message pipe has the number of a result pipe that was closed."""
        pipes = {child.inq._reader.fileno() for child in self._pool._pool}
        return bool(pipes & set(self._pool._fileno_to_outq))

    def done_of_two(self) -> int:
        """The number of two new messages that are done by children that read slowly."""
        for child in self._pool._pool:
            os.kill(child.pid, signal.SIGSTOP)
        self.ended.clear()
        self.send(os.devnull)
        self.send(os.devnull)
        self.turn(lambda: False, within_s=1)
        for child in self._pool._pool:
            os.kill(child.pid, signal.SIGCONT)
        self.turn(lambda: len(self.ended) == 2, within_s=10)
        return len(self.ended)


def main(forget: bool) -> None:
    """Free two low descriptors before the children are killed, so that numbers shift."""
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
    pool = PoolOfTwo()
    pool.connect()
    with tempfile.TemporaryDirectory() as folder:
        pool.begin_two(folder)
    for number in others:
        os.close(number)
    pool.kill_both()
    same_number = pool.message_pipe_is_indexed()
    pool.lose_broker(forget=forget)
    pool.connect()
    print(json.dumps({"same_number": same_number, "done": pool.done_of_two()}))
    pool._pool.terminate()


if __name__ == "__main__":
    main(forget="--forget" in sys.argv)
