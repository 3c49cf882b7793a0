"""A child that uses too much memory is replaced between two shards without side effects."""

import json
import uuid
from pathlib import Path

import pytest

from funasr_fleet import enqueue, status
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store

pytestmark = pytest.mark.slow

LIMIT_MB = "100"
"""Less memory than any child uses once its models are loaded."""


def test_a_child_over_its_memory_limit_is_replaced_after_its_shard(
    stack: Stack, settings: Settings, store: S3Store, tmp_path: Path
) -> None:
    queue = f"recycling-{uuid.uuid4()}"
    own = {"FLEET_QUEUE": queue, "FLEET_MAX_RESIDENT_MB": LIMIT_MB}
    with (SAMPLES / "pin-code.wav").open("rb") as file:
        store.upload("s3://audio/recycling/a.wav", file)
    rows = ({"audio": "s3://audio/recycling/a.wav", "id": f"{number}"} for number in range(4))
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    mine = settings.model_copy(update={"queue": queue})
    output = f"s3://transcripts/{uuid.uuid4()}/"
    limits = ShardLimits(files=2)
    job = enqueue([str(manifest)], output=output, limits=limits, settings=mine).job
    with LocalWorker({**stack.environment, **own}, tmp_path) as worker:
        worker.process.wait_until(lambda: bool(status(job, mine).counts.closed_at), 240)
        assert worker.page("/healthz")[0] == 200
    lines = worker.process.log.read_text()
    assert lines.count('"model ready"') >= 2
    assert lines.count('"shard started"') == 2
    assert status(job, mine).counts.outcomes["ok"] == 4
    assert "exited prematurely" not in lines
