"""What the parent reads out of a message, and out of how a child ended."""

from types import SimpleNamespace
from typing import Any

import pytest
from billiard.exceptions import WorkerLostError

from funasr_fleet.worker.consumer.active_shards import identity_in
from funasr_fleet.worker.consumer.request import _describe_exit
from tests.support.examples import OUTPUT, a_shard

SHARD = a_shard("s3://in/a.wav").to_message()


@pytest.mark.parametrize(
    ("arguments", "identity"),
    [
        ([SHARD], OUTPUT + "\0night-000000"),
        ((SHARD,), OUTPUT + "\0night-000000"),
        ([], None),
        (None, None),
        (["text"], None),
        ([{}], None),
        ([{"shard": "s"}], None),
        ([{"shard": 7, "output": OUTPUT}], None),
        ({"shard": "s"}, None),
    ],
)
def test_a_shard_is_known_by_where_it_writes_and_its_name(
    arguments: Any, identity: str | None
) -> None:
    assert identity_in(SimpleNamespace(args=arguments)) == identity


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 3."), "signal 9"),
        (WorkerLostError("Worker exited prematurely: exitcode 1 Job: 0."), "exitcode 1"),
        (WorkerLostError(""), "WorkerLostError"),
        (SystemExit(), "SystemExit"),
    ],
)
def test_how_a_child_ended_is_told_without_celery_s_numbers(
    error: BaseException, told: str
) -> None:
    said = _describe_exit(error)
    assert said.startswith(told)
    assert "Job" not in said
