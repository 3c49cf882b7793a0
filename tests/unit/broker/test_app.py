"""The Celery configuration on which "no file is lost" rests."""

from typing import Any

import pytest

from funasr_fleet.broker.app import make_app
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
def test_a_message_is_data_and_belongs_to_the_queue_until_its_files_are_committed(
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


def test_an_unspoken_priority_lies_in_the_middle() -> None:
    assert 0 < _conf()["task_default_priority"] < 9
