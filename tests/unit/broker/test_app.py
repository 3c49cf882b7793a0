"""The Celery configuration that prevents the loss of files, and dead letters of any document."""

from typing import Any

import pytest

from funasr_fleet.broker.app import make_app
from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.contract.queues import MODEL_LOAD_LIMIT_S, lanes
from funasr_fleet.settings import Settings


def _conf(**fields: Any) -> Any:
    return make_app(Settings(**fields)).conf


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accept_content", ["json"]),
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("worker_prefetch_multiplier", 1),
        ("task_create_missing_queues", False),
        ("task_ignore_result", True),
        ("broker_connection_max_retries", None),
        ("worker_hijack_root_logger", False),
    ],
)
def test_messages_are_json_and_are_acknowledged_after_their_files_are_committed(
    name: str, value: object
) -> None:
    assert _conf()[name] == value


def test_a_child_may_load_its_model_for_longer_than_celery_would_wait() -> None:
    assert _conf()["worker_proc_alive_timeout"] == MODEL_LOAD_LIMIT_S > 600


def test_the_queue_and_the_transport_follow_the_settings() -> None:
    conf = _conf(queue="night", key_prefix="blue:", visibility_timeout_s=77)
    assert [queue.name for queue in conf.task_queues] == lanes("night")
    assert lanes("night")[:2] == ["night", "night.2"]
    assert conf.task_default_queue == "night"
    transport = conf.broker_transport_options
    assert (transport["global_keyprefix"], transport["visibility_timeout"]) == ("blue:", 77)
    assert transport["priority_steps"] == list(range(10))


def letter(document: Any) -> DeadLetter:
    return DeadLetter(message_id="m", reason="why", document=document, worker="w", at="now")


def test_a_dead_letter_of_an_earlier_release_is_read() -> None:
    old = {"message_id": "m", "reason": "why", "document": {"a": 1}, "worker": "w", "at": "now"}
    read = DeadLetter.model_validate(old)
    assert (read.document, read.queue, read.device) == ({"a": 1}, "", "")


def test_a_dead_letter_names_the_job_and_the_files_of_its_shard() -> None:
    found = letter({"job": "night", "files": [{"audio": "s3://in/a"}, {"audio": "s3://in/b"}]})
    assert (found.job, found.files) == ("night", ["s3://in/a", "s3://in/b"])


@pytest.mark.parametrize(
    "document",
    [None, 7, "text", [], {}, {"job": 3, "files": 4}, {"files": ["a", {"b": 1}], "job": None}],
)
def test_a_document_that_is_not_a_shard_has_no_job_and_no_files(document: Any) -> None:
    assert (letter(document).job, letter(document).files) == (None, [])
