"""Dead letters of jobs that cannot be reopened are kept, and the others are requeued."""

from typing import Any

import pytest

from funasr_fleet import requeue_dead
from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import (
    BucketMissing,
    CredentialsRefused,
    ObjectDenied,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.storage.s3 import S3Store
from tests.integration.test_dead_letters import a_job, counts_of, dead_letter, shard
from tests.support.messages import shards_waiting


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    return separate_fleet


class Failing(S3Store):
    """A store that fails to read, or to delete."""

    def __init__(self, method: str, error: StoreError) -> None:
        super().__init__()

        def fail(uri: str) -> Any:
            raise error

        setattr(self, method, fail)


@pytest.mark.parametrize(
    ("method", "error"),
    [
        *((method, ObjectDenied("no")) for method in ("read", "delete")),
        *(("delete", BucketMissing("no")), ("delete", ObjectMissing("no"))),
    ],
)
def test_a_job_whose_output_fails_does_not_block_other_jobs(
    settings: Settings,
    dead_letters: DeadLetters,
    store: S3Store,
    output: str,
    method: str,
    error: StoreError,
) -> None:
    job = a_job(settings, store, output)
    for name in ("first", "second"):
        dead_letters.put(dead_letter(name, shard(name, output, job, 1)))
    dead_letters.put(dead_letter("other", shard("other", output)))
    result = requeue_dead(everything=True, settings=settings, store=Failing(method, error))
    assert [one["shard"] for one in shards_waiting(settings)] == ["other"]
    assert {one.message_id for one in result.refusals} == {"first", "second"}
    assert all(one.why == f"job {job} cannot be reopened: no" for one in result.refusals)
    assert counts_of(settings, job).outcomes["failed"] == 1


@pytest.mark.parametrize("error", [StoreUnavailable("no"), CredentialsRefused("no")])
def test_unavailable_storage_ends_the_requeueing(
    settings: Settings,
    dead_letters: DeadLetters,
    store: S3Store,
    output: str,
    error: StoreError,
) -> None:
    job = a_job(settings, store, output)
    dead_letters.put(dead_letter("first", shard("first", output, job, 1)))
    with pytest.raises(StoreUnavailable):
        requeue_dead(everything=True, settings=settings, store=Failing("read", error))
    assert dead_letters.exists("first")


@pytest.mark.parametrize("bucket", ["arn:aws:s3:-evil:123456789012:accesspoint:ap", "x" * 64])
def test_an_output_in_an_impossible_bucket_does_not_block_other_dead_letters(
    settings: Settings, dead_letters: DeadLetters, output: str, bucket: str
) -> None:
    for name in ("evil", "wicked"):
        dead_letters.put(dead_letter(name, shard(name, f"s3://{bucket}/", name)))
    dead_letters.put(dead_letter("good", shard("good", output)))
    result = requeue_dead(everything=True, settings=settings)
    assert "good" in [one["shard"] for one in shards_waiting(settings)]
    assert result.requeued + result.refused == 3
    assert dead_letters.count() == result.refused


def test_a_dead_letter_whose_output_is_no_address_is_kept_with_the_reason(
    settings: Settings, dead_letters: DeadLetters
) -> None:
    uri = "s3://arn:aws:s3:-evil:123456789012:accesspoint:ap/"
    dead_letters.put(dead_letter("evil", shard("evil", uri, "evil")))
    (refused,) = requeue_dead(ids=["evil"], settings=settings).refusals
    assert "job evil cannot be reopened: no request for" in refused.why
    assert dead_letters.exists("evil")


def test_another_output_of_a_job_that_redis_has_lost_does_not_block_its_dead_letters(
    settings: Settings, dead_letters: DeadLetters, output: str
) -> None:
    uri = "s3://arn:aws:s3:-evil:123456789012:accesspoint:ap/"
    dead_letters.put(dead_letter("evil", shard("evil", uri, "night")))
    dead_letters.put(dead_letter("good", shard("good", output, "night")))
    result = requeue_dead(ids=["evil", "good"], settings=settings)
    assert [one.message_id for one in result.refusals] == ["evil"]
    assert [one["shard"] for one in shards_waiting(settings)] == ["good"]


def test_a_dead_letter_with_another_output_does_not_reopen_a_planned_job(
    settings: Settings, dead_letters: DeadLetters, store: S3Store, output: str
) -> None:
    job = a_job(settings, store, output)
    before = counts_of(settings, job)
    dead_letters.put(dead_letter("evil", shard("evil", "s3://evil/y/", job, 1)))
    (refused,) = requeue_dead(everything=True, settings=settings).refusals
    assert "another output" in refused.why
    assert counts_of(settings, job) == before
    assert before.closed_at
    assert dead_letters.exists("evil")
