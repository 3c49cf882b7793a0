"""Jobs of other Celery clients, whose end is unknown until their number of files is known."""

import json

import pytest

from funasr_fleet import cancel, enqueue, list_jobs, reconcile, report, retry, status
from funasr_fleet.broker.ledger import OutcomeWriter, connect
from funasr_fleet.cli.exits import Exit, exit_for, exit_of
from funasr_fleet.producer.errors import CannotRetry, JobRefused, NoPlan
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import (
    Worker,
    a_shard,
    shards_waiting,
)


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


@pytest.fixture
def worker(settings: Settings, store: S3Store) -> Worker:
    return Worker(settings, store, {})


def test_results_are_counted_and_the_job_is_never_complete(
    settings: Settings, worker: Worker, half_done: str, output: str
) -> None:
    for files in (2, 4):
        now = status(half_done, settings)
        assert (now.progress.state, now.counts.complete) == ("unknown", False)
        assert (now.counts.outcomes["ok"], now.counts.files) == (files, files)
        assert (now.waiting, now.progress.fraction, now.progress.eta_s) == (None, None, None)
        assert exit_of(now) is Exit.UNREACHABLE
        assert "fleet reconcile by-hand" in json.loads(json.dumps(now.to_json()))["note"]
        worker.do(a_shard(output, 2, 3))
    assert report(half_done, settings)["finished_at"] is None


def test_no_completion_documents_are_written(store: S3Store, half_done: str, output: str) -> None:
    names = {one.uri.rpartition("/")[2] for one in store.list(f"{output}_jobs/")}
    assert names == {"by-hand-0.jsonl"}


def test_a_running_shard_makes_the_job_known(
    settings: Settings, worker: Worker, output: str
) -> None:
    worker.begin(a_shard(output, 0, 1))
    now = status("by-hand", settings)
    assert (now.progress.state, now.progress.in_flight) == ("unknown", 2)


@pytest.mark.parametrize("given", [False, True])
def test_reconcile_fails_with_an_explanation(
    settings: Settings, half_done: str, output: str, given: bool
) -> None:
    before = status(half_done, settings).counts
    with pytest.raises(NoPlan, match="no plan for job 'by-hand'") as caught:
        reconcile(half_done, output=output if given else None, settings=settings)
    assert "send the files without a result again" in str(caught.value)
    assert exit_for(caught.value) is Exit.WRONG_USAGE
    assert status(half_done, settings).counts == before


def test_retry_is_rejected(settings: Settings, half_done: str) -> None:
    with pytest.raises(CannotRetry, match="another client"):
        retry(half_done, settings)


def test_the_job_can_be_cancelled(settings: Settings, half_done: str) -> None:
    assert cancel(half_done, settings)
    now = status(half_done, settings)
    assert (now.progress.state, now.counts.complete, now.counts.over) == ("cancelled", False, True)
    assert exit_of(now) is Exit.OK
    assert OutcomeWriter(connect(settings), settings.key_prefix).is_cancelled(half_done)


def test_no_job_can_be_enqueued_under_its_name(
    settings: Settings, store: S3Store, half_done: str, output: str
) -> None:
    store.write("s3://audio/other-clients/a.wav", b"x", "audio/wav")
    with pytest.raises(JobRefused, match="choose another name"):
        enqueue(["s3://audio/other-clients/"], output=output, job=half_done)
    assert shards_waiting(settings) == []
    assert [one.job for one in list_jobs(settings)] == [half_done]
    with pytest.raises(ObjectMissing):
        store.read(f"{output}_jobs/by-hand/job.json")
