"""The dead letter of a message that the parent rejects."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from funasr_fleet.contract.queues import TASK
from funasr_fleet.worker.consumer.rejected_message import make_dead_letter


def message(payload: Any, message_id: str = "m") -> SimpleNamespace:
    return SimpleNamespace(
        body="[]",
        payload=payload,
        headers={"id": message_id, "task": TASK},
        properties={},
        content_type="application/json",
        delivery_tag="tag",
    )


@pytest.mark.parametrize(
    ("payload", "message_id", "job"),
    [
        ([[{"job": "night"}], {}, {"callbacks": ["x"]}], "m", "night"),
        ([[{"job": "night"}], {}], "other-00000-0001", "night"),
        ("not a task", "night-00000-0001", "night"),
        ([[{"job": "../x"}], {}, {}], "m", None),
        ([[{"job": 7}], {}, {}], "m", None),
        (None, "a3bb189e-8bf9-3888-9912-ace4e6543002", None),
    ],
)
def test_the_job_comes_from_the_shard_or_the_message_id(
    payload: Any, message_id: str, job: str | None
) -> None:
    assert make_dead_letter(message(payload, message_id), "why", "w").job == job


def shard_of(count: int, **more: Any) -> dict[str, Any]:
    files = [{"audio": f"s3://audio/{number}.wav", "index": number} for number in range(count)]
    return {
        "schema": 1,
        "shard": "s",
        "job": "night",
        "output": "s3://out/",
        "files": files,
        **more,
    }


def test_a_shard_is_kept_whole() -> None:
    letter = make_dead_letter(message([[shard_of(100)], {}, {}]), "the ETA is not valid", "w")
    assert letter.document == shard_of(100)
    assert (letter.job, len(letter.files)) == ("night", 100)


@pytest.mark.parametrize(
    "shard",
    [
        shard_of(1, text="x" * 20_000_000),
        shard_of(1, files={}),
        shard_of(1, output=7),
        shard_of(1, nested=json.loads("[" * 90 + "]" * 90)),
        [shard_of(1)],
    ],
    ids=["too large", "no list of files", "odd output", "nested", "a list"],
)
def test_what_does_not_look_like_a_shard_is_truncated(shard: Any) -> None:
    document = make_dead_letter(message([[shard], {}, {}]), "why", "w").document
    assert document.keys() >= {"body", "bytes"}


def test_the_argument_of_another_task_is_truncated() -> None:
    other = message([[shard_of(1)], {}, {}])
    other.headers["task"] = "another.task"
    assert make_dead_letter(other, "why", "w").document.keys() >= {"body", "bytes"}
