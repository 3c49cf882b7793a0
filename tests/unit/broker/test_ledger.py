"""What a job's counts mean, and how Redis' errors are worded."""

from dataclasses import replace
from typing import Any

import pytest
import redis

from funasr_fleet.broker.ledger import OUTCOMES, JobCounts, reached
from funasr_fleet.broker.ledger.parse import read_counts
from funasr_fleet.broker.ledger.values import KINDS
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.contract.transcript import Outcome
from tests.support.examples import counted


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_outcome_finishes_a_file(name: Outcome) -> None:
    assert counted({name: 2}, files=2).finished == 2
    assert counted({name: 2}, files=2).complete


@pytest.mark.parametrize(
    ("job", "complete"),
    [
        (counted({"ok": 2}, files=3), False),
        (counted({"ok": 1, "failed": 1, "empty": 1}, files=3), True),
        (counted({"ok": 3}, files=3, published=False), False),
        (counted({}, files=0), True),
    ],
)
def test_a_job_is_complete_when_published_and_nothing_is_waiting(
    job: JobCounts, complete: bool
) -> None:
    assert job.complete is complete


def test_a_job_with_an_incomplete_ledger_is_never_complete() -> None:
    for cancelled_at in (None, 5.0):
        lost = replace(counted({"ok": 2}, files=2), whole=False, cancelled_at=cancelled_at)
        assert not lost.complete
        assert lost.over == (cancelled_at is not None)


BEGUN = {"created_at": "1.5", "output": "s3://out/", "published": "0"}
PUBLISHED = {**BEGUN, "published": "1", "files": "3", "windows": "1"}
NOTHING = [0] * (len(OUTCOMES) + len(KINDS))


@pytest.mark.parametrize(
    ("meta", "windows", "finished", "whole"),
    [
        (BEGUN, 0, 0, True),
        (PUBLISHED, 1, 0, True),
        (PUBLISHED, 0, 0, False),
        ({**PUBLISHED, "recorded": "2"}, 1, 2, True),
        ({**PUBLISHED, "recorded": "2"}, 1, 1, False),
        ({**BEGUN, "recorded": "2"}, 0, 1, False),
        ({**BEGUN, "published": "1", "windows": "0"}, 0, 0, True),
        *(({**PUBLISHED, name: None}, 1, 3, False) for name in ("created_at", "output", "files")),
        ({**PUBLISHED, "published": None}, 1, 3, False),
        ({"audio_ms": "5"}, 0, 3, False),
        ({}, 1, 0, False),
        ({}, 0, 3, False),
    ],
)
def test_a_ledger_is_whole_when_it_has_the_plan_and_every_count(
    meta: dict[str, str | None], windows: int, finished: int, whole: bool
) -> None:
    stored = {name: value for name, value in meta.items() if value is not None}
    found = read_counts("night", stored, [], windows, finished, *NOTHING[1:])
    assert found
    assert found.whole is whole
    assert not (found.complete and not whole)


def test_a_job_of_an_earlier_release_is_whole_by_its_cursor() -> None:
    before = {name: value for name, value in PUBLISHED.items() if name != "windows"}
    for windows in (1, 2):
        found = read_counts("night", {**before, "cursor_window": "1"}, [], windows, 3, *NOTHING[1:])
        assert found
        assert found.complete is (windows == 1)


def test_an_empty_ledger_has_no_job() -> None:
    assert read_counts("night", {}, [], 0, *NOTHING) is None
    assert read_counts("night", {}, ["2"], 0, *NOTHING)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (redis.ConnectionError("refused"), "Redis cannot be reached: refused"),
        (redis.TimeoutError("slow"), "Redis cannot be reached: slow"),
        (redis.AuthenticationError("WRONGPASS"), "Redis refused the login: WRONGPASS"),
    ],
)
def test_a_redis_that_does_not_answer_is_an_unavailable_broker(error: Exception, said: str) -> None:
    def call() -> None:
        raise error

    with pytest.raises(BrokerUnavailable, match=said):
        reached(call)


def test_results_of_redis_are_passed_on() -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    assert reached(call, 1, two=2) == ((1,), {"two": 2})
