"""Messages that a child publishes while the broker is unavailable are delivered."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.faults.broker import RestartableBroker
from funasr_fleet.broker.app import make_app
from funasr_fleet.broker.ledger import connect
from funasr_fleet.contract.queues import TASK
from funasr_fleet.embedded.process import isolated
from funasr_fleet.embedded.stack import Stack, running_stack
from funasr_fleet.settings import Settings
from funasr_fleet.worker.app.publish import publish_split, republish_with_delay, split
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.process.heartbeat import Touch
from tests.support.examples import a_shard

SHARD = a_shard("s3://in/a.wav", "s3://in/b.wav")


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack whose broker may be killed."""
    with running_stack(tmp_path) as stack:
        yield stack


@pytest.fixture
def broker(own_stack: Stack) -> Iterator[RestartableBroker]:
    with RestartableBroker(own_stack) as running:
        yield running


@pytest.fixture
def settings(own_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in isolated(own_stack.environment).items():
        monkeypatch.setenv(name, value)
    return Settings.load()


@pytest.fixture
def task(settings: Settings) -> Any:
    """The Celery task of the application."""
    app = make_app(settings)

    @app.task(bind=True, name=TASK, shared=False)  # type: ignore[untyped-decorator]
    def transcribe(task: Any, document: Any) -> None: ...

    return transcribe


@contextlib.contextmanager
def active_request(task: Any) -> Iterator[Any]:
    """Set the request of the task as while a message is processed."""
    task.push_request(
        id="m1",
        args=[SHARD.to_message()],
        kwargs={},
        retries=0,
        delivery_info={"routing_key": task.app.conf.task_default_queue},
    )
    yield task
    task.pop_request()


class Sender:
    """Runs `send` in a thread and counts its heartbeats."""

    def __init__(self, send: Callable[[Touch], None]) -> None:
        self.beats = 0
        self._thread = threading.Thread(target=send, args=(self._beat,), daemon=True)
        self._thread.start()

    def _beat(self, doing: str, time_allowance_s: float = 0.0) -> None:
        self.beats += 1

    def still_sends(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return self._thread.is_alive()

    def wait_for_tries(self, more: int) -> None:
        give_up = time.monotonic() + 60.0
        while self.beats < more and time.monotonic() < give_up:
            assert self.still_sends(0.05)


def later(task: Any) -> Callable[[Touch], None]:
    def send(beat: Touch) -> None:
        with active_request(task):
            republish_with_delay(task, 1.0, 1, beat)

    return send


def parts(task: Any) -> Callable[[Touch], None]:
    def send(beat: Touch) -> None:
        with active_request(task):
            publish_split(task, split(SHARD), beat)

    return send


@pytest.mark.slow
def test_split_messages_are_published_after_a_broker_restart(
    broker: RestartableBroker, settings: Settings, task: Any
) -> None:
    client: Any = connect(settings)
    later(task)(ignore)  # the connection is open
    assert client.llen(settings.queue) == 1
    broker.kill()
    sender = Sender(parts(task))
    sender.wait_for_tries(4)
    broker.start()
    assert not sender.still_sends(30.0)
    assert client.llen(settings.queue) == 3


@pytest.mark.slow
def test_the_first_message_of_a_new_child_is_published_after_broker_restarts(
    broker: RestartableBroker, settings: Settings, task: Any
) -> None:
    broker.kill()
    sender = Sender(later(task))
    sender.wait_for_tries(4)
    broker.start()
    broker.kill()
    sender.wait_for_tries(sender.beats + 2)
    broker.start()
    assert not sender.still_sends(30.0)
    client: Any = connect(settings)
    assert client.llen(settings.queue) == 1


def test_a_message_is_published_when_a_full_broker_has_memory_again(
    broker: RestartableBroker, settings: Settings, task: Any
) -> None:
    client: Any = connect(settings)
    client.config_set("maxmemory", 1)
    sender = Sender(later(task))
    sender.wait_for_tries(4)
    client.config_set("maxmemory", 0)
    assert not sender.still_sends(30.0)
    assert client.llen(settings.queue) == 1


def test_a_ledger_write_of_a_child_waits_until_the_broker_has_memory(
    broker: RestartableBroker, settings: Settings
) -> None:
    client: Any = connect(settings)
    client.config_set("maxmemory", 1)

    def write(beat: Touch) -> None:
        retrying: Any = connect(settings, retry_forever=True)
        retrying.set("ours", "written")

    sender = Sender(write)
    assert sender.still_sends(1.0)
    client.config_set("maxmemory", 0)
    assert not sender.still_sends(30.0)
    assert client.get("ours") == "written"
