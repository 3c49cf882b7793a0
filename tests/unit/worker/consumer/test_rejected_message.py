"""The dead letter of a message that the parent rejects names the job of its shard."""

from types import SimpleNamespace
from typing import Any

import pytest

from funasr_fleet.worker.consumer.rejected_message import make_dead_letter


def message(payload: Any, message_id: str = "m") -> SimpleNamespace:
    return SimpleNamespace(
        body="[]",
        payload=payload,
        headers={"id": message_id},
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


def test_a_valid_shard_is_kept_whole() -> None:
    files = [{"audio": f"s3://audio/{number}.wav", "index": number} for number in range(100)]
    shard = {"schema": 1, "shard": "s", "job": "night", "output": "s3://out/", "files": files}
    letter = make_dead_letter(message([[shard], {}, {}]), "the ETA is not valid", "w")
    assert letter.document == shard
    assert (letter.job, len(letter.files)) == ("night", 100)


@pytest.mark.parametrize("more", [{"files": []}, {"output": "http://x/"}, {"nested": [[[[7]]]]}])
def test_what_is_not_a_valid_shard_is_truncated(more: dict[str, Any]) -> None:
    files = [{"audio": "s3://audio/a.wav"}]
    shard = {"schema": 1, "shard": "s", "output": "s3://out/", "files": files, **more}
    document = make_dead_letter(message([[shard], {}, {}]), "why", "w").document
    assert document.keys() >= {"body", "bytes"}
