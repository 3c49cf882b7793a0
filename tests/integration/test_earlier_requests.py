"""Jobs of an earlier release, which accepted any text as a language."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import close, enqueue, reconcile, requeue_dead, retry
from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.contract.job import Options
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import CannotClose, JobRefused
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.examples import a_shard

JOB = "night"


@pytest.fixture
def arguments(separate_fleet: Settings, output: str, tmp_path: Path) -> dict[str, Any]:
    manifest = tmp_path / "one.jsonl"
    manifest.write_text('{"audio": "s3://audio/a.wav"}\n')
    return {
        "sources": [str(manifest)],
        "output": output,
        "job": JOB,
        "options": Options(language="zh"),
        "settings": separate_fleet,
    }


def start_in_an_earlier_release(
    arguments: dict[str, Any], store: S3Store, settings: Settings, language: str
) -> None:
    """Enqueue a job, and save its language as an earlier release did."""
    assert enqueue(**arguments).enqueued == 1
    uri = job_uri(arguments["output"], JOB, "job.json")
    document = json.loads(store.read(uri))
    document["options"]["language"] = language
    store.write(uri, json.dumps(document).encode(), "application/json")
    del document["begun"]
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    redis: Any = connect(settings)
    redis.hset(Keys(settings.key_prefix).job(JOB), "request", digest)


def test_the_same_command_resumes_a_job_whose_language_had_another_spelling(
    arguments: dict[str, Any], store: S3Store, separate_fleet: Settings
) -> None:
    start_in_an_earlier_release(arguments, store, separate_fleet, "ZH")
    assert enqueue(**arguments).resumed
    with pytest.raises(JobRefused, match="already exists with other arguments"):
        enqueue(**{**arguments, "options": Options(language="en")})
    assert reconcile(JOB, settings=separate_fleet).planned


def test_a_job_with_an_unknown_language_is_refused_with_the_way_out(
    arguments: dict[str, Any], store: S3Store, separate_fleet: Settings
) -> None:
    start_in_an_earlier_release(arguments, store, separate_fleet, "cn")
    for command in (reconcile, retry):
        with pytest.raises(JobRefused, match="enqueue its files in a new job"):
            command(JOB, settings=separate_fleet)
    with pytest.raises(JobRefused, match="choose another name"):
        enqueue(**arguments)
    letters = DeadLetters(connect(separate_fleet), separate_fleet.key_prefix)
    shard = a_shard("s3://audio/a.wav").model_copy(update={"output": arguments["output"]})
    document = shard.to_message()
    letters.put(DeadLetter(message_id="x", reason="", document=document, worker="", at=""))
    (refusal,) = requeue_dead(ids=["x"], settings=separate_fleet).refusals
    assert "enqueue its files in a new job" in refusal.why
    warnings: list[str] = []
    assert enqueue(**{**arguments, "job": "another"}, warn=warnings.append).enqueued == 1
    assert any("job night is not finished" in one for one in warnings)
    redis: Any = connect(separate_fleet)
    redis.delete(*redis.keys(f"{separate_fleet.key_prefix}fleet:job*"))
    with pytest.raises(JobRefused, match="enqueue its files in a new job"):
        reconcile(JOB, output=arguments["output"], settings=separate_fleet)
    redis.hset(Keys(separate_fleet.key_prefix).job(JOB), "output", arguments["output"])
    with pytest.raises(CannotClose, match="has a plan in S3"):
        close(JOB, files=1, settings=separate_fleet)
