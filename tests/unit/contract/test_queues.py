"""Names of queues, priorities and jobs, as users write them and as Redis and kombu use them."""

from types import SimpleNamespace
from typing import Any

import pytest
from kombu.transport.redis import Channel

from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.contract.job import MalformedShard
from funasr_fleet.contract.layout import BadJobName, check_job_name
from funasr_fleet.contract.queues import (
    PRIORITY_STEPS,
    broker_lists,
    broker_priority,
    lanes,
    queue_of,
    queue_of_model,
)
from tests.support.examples import a_shard


@pytest.mark.parametrize(("user", "redis"), [(9, 0), (4, 5), (0, 9)])
def test_priority_nine_of_users_is_zero_in_redis(user: int, redis: int) -> None:
    assert broker_priority(user) == redis


@pytest.mark.parametrize("step", PRIORITY_STEPS)
def test_the_lists_are_those_that_kombu_uses(step: int) -> None:
    kombu = SimpleNamespace(sep=Channel.sep, priority=lambda priority: priority)
    assert broker_lists("fleet")[step] == Channel._q_for_pri(kombu, "fleet", step)


@pytest.mark.parametrize(
    ("model", "queue"),
    [
        ("demo", "fleet-demo"),
        ("iic/SenseVoiceSmall", "fleet-iic-sensevoicesmall"),
        ("/models/whisper-large-v3.2/", "fleet-models-whisper-large-v3-2"),
        ("\u6a21\u578b", "fleet-c98e118e"),
    ],
)
def test_a_model_has_a_queue_named_after_it(model: str, queue: str) -> None:
    assert queue_of_model(model) == queue
    assert {queue_of(lane) for lane in lanes(queue)} == {queue}


def test_models_with_similar_names_have_queues_of_their_own() -> None:
    names = ["\u6a21\u578b\u75321", "\u6a21\u578b\u4e591", "m@v1", "m-v1", "x" * 3000, "x" * 3001]
    queues = [queue_of_model(name) for name in names]
    assert len(set(queues)) == len(names)
    assert max(map(len, queues)) < 80


GOOD = ["j", "job-20261122-0007", "A.b_c-9", "x" * 150, ".", ".."]
BAD = ["", "j3:failed", "a b", "a/b", "夜班", "x" * 151, "a\n", "a\x1b[2J", "\ud800", "*"]


@pytest.mark.parametrize("name", GOOD)
def test_a_job_name_is_accepted_by_message_and_ledger(name: str) -> None:
    assert check_job_name(name) == name
    assert a_shard("s3://in/a.wav", job=name).job == name
    assert Keys("p:").job(name, "failed") == f"p:fleet:job:{name}:failed"


@pytest.mark.parametrize("name", BAD)
def test_any_other_name_is_rejected_by_message_and_ledger(name: str) -> None:
    with pytest.raises(BadJobName, match="is not a job name") as caught:
        check_job_name(name)
    assert str(caught.value).isascii()
    document: dict[str, Any] = a_shard("s3://in/a.wav").to_message()
    with pytest.raises(MalformedShard, match="job: "):
        type(a_shard("s3://in/a.wav")).from_message({**document, "job": name})
    with pytest.raises(BadJobName):
        Keys().job(name, "failed")


def test_keys_of_different_jobs_never_collide() -> None:
    jobs = [Keys().all_of(name) for name in GOOD]
    assert len({key for keys in jobs for key in keys}) == sum(map(len, jobs))
