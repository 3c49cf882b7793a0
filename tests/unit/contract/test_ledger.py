"""What a job's counts mean, and how Redis' errors are worded."""

from typing import Any

import pytest
import redis

from contract.ledger import OUTCOMES, JobCounts, reached
from contract.queues import BrokerUnavailable
from contract.transcript import Outcome


def counts(files: int, outcomes: dict[Outcome, int], *, published: bool = True) -> JobCounts:
    every: dict[Outcome, int] = {name: outcomes.get(name, 0) for name in OUTCOMES}
    return JobCounts(
        job="night",
        output="s3://out/",
        created_at=0.0,
        published=published,
        files=files,
        audio_ms=0,
        outcomes=every,
    )


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_outcome_finishes_a_file(name: Outcome) -> None:
    assert counts(2, {name: 2}).finished == 2
    assert counts(2, {name: 2}).complete


@pytest.mark.parametrize(
    ("job", "complete"),
    [
        (counts(3, {"ok": 2}), False),
        (counts(3, {"ok": 1, "failed": 1, "empty": 1}), True),
        (counts(3, {"ok": 3}, published=False), False),
        (counts(0, {}), True),
    ],
)
def test_a_job_is_complete_when_all_is_published_and_nothing_waited_for(
    job: JobCounts, complete: bool
) -> None:
    assert job.complete is complete


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


def test_what_redis_answers_is_passed_on() -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    assert reached(call, 1, two=2) == ((1,), {"two": 2})
