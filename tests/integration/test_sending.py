"""Messages that a child sends arrive, although the broker is away when they are sent."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.broker import make_app
from contract.ledger import connect
from contract.queues import TASK
from contract.settings import Settings
from local.environment import isolated
from local.faults.broker import MortalBroker
from local.stack import Stack, running_stack
from tests.unit.examples import a_shard
from worker.sending import send_later, send_parts
from worker.splitting import split

SHARD = a_shard("s3://in/a.wav", "s3://in/b.wav")


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """Its broker may be killed."""
    with running_stack(tmp_path) as stack:
        yield stack


@pytest.fixture
def broker(own_stack: Stack) -> Iterator[MortalBroker]:
    with MortalBroker(own_stack) as mortal:
        yield mortal


@pytest.fixture
def settings(own_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in isolated(own_stack.environment).items():
        monkeypatch.setenv(name, value)
    return Settings.load()


@pytest.fixture
def task(settings: Settings) -> Iterator[Any]:
    """As it is while a message is worked on."""
    app = make_app(settings)

    @app.task(bind=True, name=TASK, shared=False)  # type: ignore[untyped-decorator]
    def transcribe(task: Any, document: Any) -> None: ...

    transcribe.push_request(
        id="m1",
        args=[SHARD.to_message()],
        kwargs={},
        retries=0,
        delivery_info={"routing_key": settings.queue},
    )
    yield transcribe
    transcribe.pop_request()


def test_they_wait_for_a_broker_that_comes_back(
    broker: MortalBroker, settings: Settings, task: Any
) -> None:
    client: Any = connect(settings)
    send_later(task, 1.0, 1)  # its connection is open
    assert client.llen(settings.queue) == 1
    broker.kill()
    sender = threading.Thread(target=send_parts, args=(task, split(SHARD)), daemon=True)
    sender.start()
    sender.join(3.0)
    assert sender.is_alive()
    broker.start()
    sender.join(30.0)
    assert not sender.is_alive()
    assert client.llen(settings.queue) == 3
