"""What workers leave in a real Valkey beside the ledger, and a Valkey that is away."""

import pytest

from contract.dead_letters import DeadLetter, DeadLetters
from contract.fleet_state import FleetState
from contract.ledger import Ledger, connect
from contract.queues import BrokerUnavailable
from contract.settings import Settings
from local.process import free_port


def test_dead_letters_keep_document_and_reason(settings: Settings) -> None:
    letters = DeadLetters(connect(settings), "test:")
    letter = DeadLetter(message_id="m", reason="why", document={"a": [1]}, worker="w", at="now")
    letters.put(letter)
    letters.put(letter)
    assert letters.all() == [letter]


def test_workers_announce_their_model(settings: Settings) -> None:
    state = FleetState(connect(settings), "test:")
    assert state.revision_of("never-loaded") is None
    state.announce("demo", "sha256:1")
    assert state.revision_of("demo") == "sha256:1"


def test_no_redis_is_one_clear_error(settings: Settings) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    ledger = Ledger(connect(settings.model_copy(update={"broker_url": url})))
    with pytest.raises(BrokerUnavailable, match="cannot be reached") as error:
        ledger.check()
    assert "secret" not in str(error.value)
