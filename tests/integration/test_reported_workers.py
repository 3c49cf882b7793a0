"""Reports of worker children are kept for seven days."""

import json
import uuid
from typing import Any

import pytest

from funasr_fleet.broker.ledger import LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.settings import Settings

NOW = 1_800_000_000.0
DAY_S = 86_400
HOUR_S = 3600


class Fleet:
    """The workers of a separate fleet."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.prefix = f"{uuid.uuid4()}:"
        self.swept = f"{Keys(self.prefix).workers}:swept"

    def see(self, worker: str, at: float) -> None:
        """Report the worker with a new writer, as from another process."""
        OutcomeWriter(self.client, self.prefix).see(WorkerSeen(worker=worker, slot=0, at=at))

    def names(self) -> set[str]:
        return {one.worker for one in LedgerReader(self.client, self.prefix).workers()}

    def an_hour_passes(self) -> None:
        assert 0 < self.client.ttl(self.swept) <= HOUR_S
        self.client.delete(self.swept)


@pytest.fixture
def fleet(settings: Settings) -> Fleet:
    return Fleet(connect(settings))


def test_workers_not_seen_for_seven_days_are_forgotten(fleet: Fleet) -> None:
    fleet.see("gone", NOW - 7 * DAY_S - 1)
    fleet.see("idle", NOW - 7 * DAY_S + 1)
    fleet.an_hour_passes()
    fleet.see("busy", NOW)
    assert fleet.names() == {"idle", "busy"}


def test_a_worker_that_returned_is_kept(fleet: Fleet) -> None:
    fleet.see("back", NOW - 30 * DAY_S)
    fleet.an_hour_passes()
    fleet.see("back", NOW)
    assert fleet.names() == {"back"}


def test_old_workers_are_removed_at_most_once_an_hour(fleet: Fleet) -> None:
    fleet.see("first", NOW - 30 * DAY_S)
    fleet.see("second", NOW)
    assert fleet.names() == {"first", "second"}


def test_unknown_fields_of_a_newer_worker_are_ignored(fleet: Fleet) -> None:
    fleet.see("old", NOW)
    newer = {"worker": "new", "slot": 0, "at": NOW, "mood": "good"}
    fleet.client.hset(Keys(fleet.prefix).workers, "new/0", json.dumps(newer))
    assert fleet.names() == {"old", "new"}
