"""What a dead letter says of itself, whatever its document is."""

import json
from typing import Any

import pytest

from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters


def letter(document: Any) -> DeadLetter:
    return DeadLetter(message_id="m", reason="why", document=document, worker="w", at="now")


def test_a_letter_of_an_earlier_release_is_read() -> None:
    old = {"message_id": "m", "reason": "why", "document": {"a": 1}, "worker": "w", "at": "now"}
    read = DeadLetter.model_validate(old)
    assert (read.document, read.queue, read.device) == ({"a": 1}, "", "")


def test_a_shard_names_its_job_and_its_files() -> None:
    found = letter({"job": "night", "files": [{"audio": "s3://in/a"}, {"audio": "s3://in/b"}]})
    assert (found.job, found.files) == ("night", ["s3://in/a", "s3://in/b"])


@pytest.mark.parametrize(
    "document",
    [None, 7, "text", [], {}, {"job": 3, "files": 4}, {"files": ["a", {"b": 1}], "job": None}],
)
def test_what_is_no_shard_names_neither(document: Any) -> None:
    assert (letter(document).job, letter(document).files) == (None, [])


class OneHash:
    """A Redis that keeps one field."""

    value = ""

    def register_script(self, script: str) -> None:
        """Scripts are tested with a real one."""

    def hset(self, key: str, field: str, value: str) -> None:
        self.value = value


def test_half_a_character_can_be_kept() -> None:
    """Any JSON may come as a message; a worker that could not put it aside would die of it."""
    redis: Any = OneHash()
    DeadLetters(redis).put(letter({"shard": "\ud800"}))
    assert redis.value.isascii()
    assert DeadLetter.model_validate(json.loads(redis.value)) == letter({"shard": "\ud800"})
