"""Dead letters and worker registry in a real Valkey, and an unavailable Valkey."""

from typing import Any

import pytest

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.embedded.process import free_port
from funasr_fleet.settings import Settings


def test_dead_letters_keep_document_and_reason(settings: Settings) -> None:
    dead_letters = DeadLetters(connect(settings), "test:")
    dead_letter = DeadLetter(
        message_id="m", reason="why", document={"a": [1]}, worker="w", at="now"
    )
    dead_letters.put(dead_letter)
    dead_letters.put(dead_letter)
    assert dead_letters.all() == [dead_letter]


def test_workers_register_their_model(settings: Settings) -> None:
    state = WorkerRegistry(connect(settings), "test:")
    assert state.revision_of("never-loaded") is None
    state.register_model("demo", "sha256:1")
    assert state.revision_of("demo") == "sha256:1"
    assert state.abilities_of("demo") is None
    state.register_model("demo", "sha256:2", Abilities(hotwords=True))
    assert state.revision_of("demo") == "sha256:2"
    assert state.abilities_of("demo") == Abilities(hotwords=True)


def test_a_model_can_differ_between_queues(settings: Settings) -> None:
    state = WorkerRegistry(connect(settings), "test-queues:")
    state.register_model("demo", "sha256:spk", Abilities(speakers=True), "fleet-spk")
    state.register_model("demo", "sha256:plain", Abilities(), "fleet")
    assert state.revision_of("demo", "fleet-spk") == "sha256:spk"
    assert state.revision_of("demo", "fleet") == "sha256:plain"
    assert state.abilities_of("demo", "fleet-spk") == Abilities(speakers=True)
    assert state.abilities_of("demo", "elsewhere") == Abilities()


def test_abilities_of_another_release_that_cannot_be_read_are_unknown(
    settings: Settings,
) -> None:
    client: Any = connect(settings)
    state = WorkerRegistry(client, "test-release:")
    client.hset("test-release:fleet:abilities", "newer", '{"hotwords": true, "sings": "well"}')
    client.hset("test-release:fleet:abilities", "other", '{"hotwords": ["which?"]}')
    assert state.abilities_of("newer") == Abilities(hotwords=True)
    assert state.abilities_of("other") is None


def test_a_worker_counts_as_active_for_two_minutes(settings: Settings) -> None:
    state = WorkerRegistry(connect(settings), "test-serving:")
    assert state.active(1000) == []
    state.heartbeat("b", "odd\tname", 1000)
    state.heartbeat("a", "demo", 1090)
    assert state.active(1100) == [("a", "demo"), ("b", "odd\tname")]
    assert state.active(1121) == [("a", "demo")]
    state.heartbeat("b", "odd\tname", 1122)
    assert state.active(1123) == [("a", "demo"), ("b", "odd\tname")]


def test_queues_are_remembered_for_seven_days(settings: Settings) -> None:
    client: Any = connect(settings)
    state = WorkerRegistry(client, "test-week:")
    state.heartbeat("old", "demo", 0)
    assert state.queues(6 * 86400) == {"old"}
    state.heartbeat("new", "demo", 8 * 86400)
    assert state.queues(8 * 86400) == {"new"}
    assert client.zcard("test-week:fleet:serving") == 1


def test_an_unreachable_redis_is_an_error_without_its_password(settings: Settings) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    ledger = LedgerReader(connect(settings.model_copy(update={"broker_url": url})))
    with pytest.raises(BrokerUnavailable, match="cannot be reached") as error:
        ledger.check()
    assert "secret" not in str(error.value)


def test_unknown_registry_entries_of_a_later_release_are_ignored(settings: Settings) -> None:
    client: Any = connect(settings)
    state = WorkerRegistry(client, "test-later:")
    state.heartbeat("fleet", "demo", 1000)
    for member in ('["fleet", "demo", "more"]', "no json", '{"queue": "x"}', "[1, 2]"):
        client.zadd("test-later:fleet:serving", {member: 1000})
    assert state.active(1000) == state.recent(1000) == [("fleet", "demo")]
    assert state.queues(1000) == {"fleet"}
    state.heartbeat("fleet", "demo", 1000 + 8 * 24 * 3600)
    assert client.zcard("test-later:fleet:serving") == 1
