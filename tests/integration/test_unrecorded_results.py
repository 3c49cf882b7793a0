"""Reconcile counts the results of the job in shards that have not ended: S3 has no rows of them."""

import json
from pathlib import Path

import pytest

from funasr_fleet import enqueue, reconcile, status
from funasr_fleet.contract.layout import output_uri
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from tests.support.memory_store import MemoryStore
from tests.support.messages import AUDIO_S, FILES, WARNED, Worker, shards_waiting, wipe

JOB = "night"


@pytest.fixture
def store() -> MemoryStore:
    """A store in memory."""
    return MemoryStore("transcripts", "audio")


@pytest.fixture
def output(separate_fleet: Settings, output: str, store: ObjectStore, tmp_path: Path) -> str:
    """The output of a job with one shard, which is lost when three of its files are finished."""
    rows = "".join(f'{{"audio": "s3://audio/calls/{number}.wav"}}\n' for number in range(FILES))
    (tmp_path / "a.jsonl").write_text(rows)
    enqueue([str(tmp_path / "a.jsonl")], output=output, job=JOB, store=store)
    (shard,) = shards_waiting(separate_fleet)
    worker = Worker(separate_fleet, store, {1: "empty", 2: "skipped"})
    reporter = worker.begin(shard)
    for ref in reporter.shard.files:
        if ref.index in {0, 1, 2}:
            worker.finish(reporter, ref)
    wipe(separate_fleet)
    return output


def test_results_of_the_job_itself_keep_their_outcome(
    separate_fleet: Settings, store: MemoryStore, output: str
) -> None:
    found = reconcile(JOB, output=output, settings=separate_fleet, store=store)
    assert (found.done, found.enqueued) == (2, FILES - 2)  # a result of another job is outdated
    counts = status(JOB, separate_fleet).counts
    assert (counts.outcomes["ok"], counts.outcomes["empty"], counts.outcomes["skipped"]) == (
        1,
        1,
        0,
    )
    assert counts.audio_ms == round(2 * AUDIO_S * 1000)
    assert counts.warnings == {"audio_damaged": 1}


@pytest.mark.parametrize(
    "body", ["no json", "[]", json.dumps({"receipt": {"job": JOB}}), json.dumps({"text": "nine"})]
)
def test_an_unreadable_result_is_enqueued(
    separate_fleet: Settings, store: MemoryStore, output: str, body: str
) -> None:
    uri = output_uri(output, f"calls/{WARNED}.wav", "json")
    store.write(uri, body.encode(), "application/json")
    found = reconcile(JOB, output=output, settings=separate_fleet, store=store)
    assert (found.done, found.enqueued) == (1, FILES - 1)
