"""What worker children say of themselves is kept for as long as they may be of interest."""

import json
import uuid
from typing import Any

import pytest

from funasr_fleet.broker.ledger import LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.values import WorkerSeen
from funasr_fleet.settings import Settings

NOW = 1_800_000_000.0
DAY_S = 86_400
HOUR_S = 3600


class Fleet:
    """The workers of a fleet that shares nothing with those of other tests."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.prefix = f"{uuid.uuid4()}:"
        self.swept = f"{Keys(self.prefix).workers}:swept"

    def see(self, worker: str, at: float) -> None:
        """Each time from another process, as far as the recorder can tell."""
        OutcomeWriter(self.client, self.prefix).see(WorkerSeen(worker=worker, slot=0, at=at))

    def names(self) -> set[str]:
        return {one.worker for one in LedgerReader(self.client, self.prefix).workers()}

    def an_hour_passes(self) -> None:
        assert 0 < self.client.ttl(self.swept) <= HOUR_S
        self.client.delete(self.swept)


@pytest.fixture
def fleet(settings: Settings) -> Fleet:
    return Fleet(connect(settings))


def test_workers_that_were_not_heard_of_for_a_week_are_forgotten(fleet: Fleet) -> None:
    fleet.see("gone", NOW - 7 * DAY_S - 1)
    fleet.see("away", NOW - 7 * DAY_S + 1)
    fleet.an_hour_passes()
    fleet.see("busy", NOW)
    assert fleet.names() == {"away", "busy"}


def test_a_worker_that_came_back_is_kept(fleet: Fleet) -> None:
    fleet.see("back", NOW - 30 * DAY_S)
    fleet.an_hour_passes()
    fleet.see("back", NOW)
    assert fleet.names() == {"back"}


def test_the_fleet_looks_for_them_once_an_hour_at_most(fleet: Fleet) -> None:
    fleet.see("first", NOW - 30 * DAY_S)
    fleet.see("second", NOW)
    assert fleet.names() == {"first", "second"}


def test_what_a_newer_worker_says_more_is_passed_over(fleet: Fleet) -> None:
    fleet.see("old", NOW)
    newer = {"worker": "new", "slot": 0, "at": NOW, "mood": "good"}
    fleet.client.hset(Keys(fleet.prefix).workers, "new/0", json.dumps(newer))
    assert fleet.names() == {"old", "new"}
