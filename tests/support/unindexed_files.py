"""Jobs of other clients with files that have no index, and what is reported of their failures."""

import json
from typing import Any

from funasr_fleet import status
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.storage.s3 import S3Store
from funasr_fleet.worker.app.publish import split
from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter

BAD = {"audio": "s3://audio/missing.wav"}
JOB = "by-hand"


def parts_of(shard: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages that replace a shard that crashed its worker."""
    return [part.to_message() for part in split(Shard.from_message(shard))]


def failures_in_report(store: S3Store, output: str) -> list[str]:
    rows = store.read(job_uri(output, JOB, "failures.jsonl")).splitlines()
    return [json.loads(row)["relative"] for row in rows]


def fail_invalid_entries(reporter: ShardReporter) -> None:
    for entry in reporter.invalid:
        failed = FileFinished.of_failure(
            reporter.shard, entry.audio, entry.index, "model_error", entry.reason
        )
        reporter.record(entry, failed)


def shown(store: S3Store, output: str) -> tuple[str, int, int]:
    """(state, files, failed files) of the job, which its report has too."""
    found = status(JOB)
    document = json.loads(store.read(job_uri(output, JOB, "report.json")))
    numbers = (found.counts.files, found.progress.failed)
    assert (document["files"], document["outcomes"]["failed"]) == numbers
    assert document["finished_at"] is not None
    return found.progress.state, *numbers
