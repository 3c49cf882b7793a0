"""A dry run raises the errors of a real run, with the same message and exit code."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import cancel, enqueue, list_jobs
from funasr_fleet.broker.ledger import OutcomeWriter, connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Options
from funasr_fleet.producer.api import estimate
from funasr_fleet.producer.job_lock import JobLock
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store

JOB = "night"
ROW = '{"audio": "s3://audio/a.wav"}\n'
WORDS = Options(timestamps="word")


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet, with workers of a model without word times."""
    fleet = WorkerRegistry(connect(separate_fleet), separate_fleet.key_prefix)
    fleet.register_model("no-words", "sha256:x", Abilities(), separate_fleet.queue)
    fleet.heartbeat(separate_fleet.queue, "no-words", time.time())
    return separate_fleet


@pytest.fixture
def arguments(settings: Settings, output: str, tmp_path: Path) -> dict[str, Any]:
    """Arguments that are accepted."""
    (tmp_path / "good.jsonl").write_text(ROW)
    return {"sources": [str(tmp_path / "good.jsonl")], "output": output, "job": JOB}


def outcome(call: Callable[..., Any], arguments: dict[str, Any]) -> tuple[type, str, Exit | None]:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - compared below
        call(**arguments)
    return type(caught.value), str(caught.value), exit_for(caught.value)


def refused_by_both(arguments: dict[str, Any], said: str, code: Exit = Exit.WRONG_USAGE) -> None:
    dry, real = outcome(estimate, arguments), outcome(enqueue, arguments)
    assert dry == real
    assert said in real[1]
    assert real[2] is code


@pytest.mark.parametrize(
    ("changes", "said", "code"),
    [
        ({"priority": 10}, "priority must be", 2),
        ({"limit": 0}, "limit must be", 2),
        ({"job": "a:b"}, "is not a job name", 2),
        ({"output": "s3://transcripts"}, "output s3://transcripts must be", 2),
        ({"output": "s3://no-such-bucket/x/"}, "no-such-bucket", 2),
        ({"model": " "}, "the model name is empty", 2),
        ({"options": WORDS}, "it has no word times", 2),
        ({"options": WORDS, "model": "no-words"}, "it has no word times", 2),
        ({"sources": ["nowhere.jsonl"]}, "nowhere.jsonl", 2),
        ({"sources": ["nowhere"]}, "is not a valid source", 2),
        ({"sources": ["."]}, "is a local folder", 2),
        ({"sources": ["."], "upload": "s3://audio"}, "upload s3://audio must be", 2),
        ({"sources": ["."], "upload": "s3://no-such-bucket/x/"}, "no-such-bucket", 2),
        ({"sources": ["s3://no-such-bucket/x/"]}, "no-such-bucket", 2),
        ({"sources": ["s3://audio/nowhere.jsonl"]}, "nowhere.jsonl", 2),
        ({"since": 1.0}, "is a manifest", 2),
        ({"suffixes": ("wav",)}, "is a manifest", 2),
        ({"sources": ["bad.jsonl"], "strict": True}, "bad.jsonl, line 2: ", 2),
        ({"sources": ["bad.csv"]}, "bad.csv", 2),
        ({"sources": ["twice.jsonl"], "strict": True}, "already has the output name", 2),
    ],
    ids=str,
)
def test_an_invalid_argument(
    arguments: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    said: str,
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.jsonl").write_text(ROW + "{\n")
    (tmp_path / "bad.csv").write_text("name,length\n")
    same = '{"audio": "s3://audio/%d.wav", "id": "x"}\n'
    (tmp_path / "twice.jsonl").write_text(same % 1 + same % 2)
    refused_by_both({**arguments, **changes}, said, Exit(code))


def test_a_bucket_that_is_not_allowed(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_ALLOWED_BUCKETS", "audio")
    refused_by_both(arguments, "bucket transcripts is not in FLEET_ALLOWED_BUCKETS")


def test_a_name_that_is_in_use(
    settings: Settings, arguments: dict[str, Any], store: S3Store
) -> None:
    enqueue(**arguments)
    refused_by_both({**arguments, "priority": 9}, "already exists with other arguments")
    with JobLock(connect(settings), settings.key_prefix, JOB):
        refused_by_both(arguments, "is being published by")
    cancel(JOB)
    refused_by_both(arguments, "was cancelled")
    redis: Any = connect(settings)
    redis.delete(*redis.keys(f"{settings.key_prefix}fleet:job*"))
    refused_by_both(arguments, "Redis has lost job night, but its plan is in S3")


def test_a_job_of_another_client(settings: Settings, arguments: dict[str, Any]) -> None:
    writer = OutcomeWriter(connect(settings), settings.key_prefix)
    writer.begin_shard(JOB, "by-hand-0", 1, output="s3://transcripts/x/")
    refused_by_both(arguments, "job night already exists: choose another name")


def test_services_that_cannot_be_reached(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as without_storage:
        without_storage.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        without_storage.setenv("AWS_MAX_ATTEMPTS", "1")
        refused_by_both(arguments, "cannot be reached", Exit.UNREACHABLE)
    monkeypatch.setenv("FLEET_BROKER_URL", "redis://127.0.0.1:1/0")
    refused_by_both(arguments, "Redis cannot be reached", Exit.UNREACHABLE)


def test_an_accepted_dry_run_writes_nothing_and_warns_like_the_real_run(
    settings: Settings, arguments: dict[str, Any], store: S3Store
) -> None:
    assert enqueue(**{**arguments, "job": "evening"}).enqueued == 1
    redis: Any = connect(settings)
    keys, objects = sorted(redis.keys(f"{settings.key_prefix}*")), names(store, arguments)
    warnings: dict[str, list[str]] = {"dry": [], "real": []}
    asked = {**arguments, "model": "another"}
    assert estimate(**asked, warn=warnings["dry"].append).files == 1
    assert sorted(redis.keys(f"{settings.key_prefix}*")) == keys
    assert ([one.job for one in list_jobs()], names(store, arguments)) == (["evening"], objects)
    assert enqueue(**asked, warn=warnings["real"].append).enqueued == 1
    assert warnings["dry"] == warnings["real"]
    assert any("no worker serves" in one for one in warnings["real"])
    assert any("job evening is not finished" in one for one in warnings["real"])


def names(store: S3Store, arguments: dict[str, Any]) -> list[str]:
    return sorted(info.uri for info in store.list(arguments["output"]))
