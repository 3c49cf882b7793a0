"""Any Celery client can send the task; malformed messages are moved to the dead letters."""

import json
from typing import Any

from celery import Celery

from tests.support.fleet_up import SAMPLES, Up, wait_for


def send(up: Up, document: Any) -> None:
    client = Celery(broker=up.environment["FLEET_BROKER_URL"])
    client.send_task("fleet.transcribe", args=[document], queue="fleet")


def upload_sample(up: Up, key: str) -> str:
    sample = next(path for path in sorted(SAMPLES.rglob("*.wav")))
    up.s3.upload_file(str(sample), "audio", key)
    return f"s3://audio/{key}"


def interface_document(audio: str, output: str) -> dict[str, Any]:
    file: dict[str, Any] = {
        "index": 412,
        "audio": audio,
        "relative": "calls/a.wav",
        "etag": '"9b2c"',
    }
    rest: dict[str, Any] = {
        "bytes": 812345,
        "start_ms": None,
        "end_ms": None,
        "channel": None,
        "options": {},
    }
    options: dict[str, Any] = {
        "language": None,
        "hotwords": [],
        "timestamps": "segment",
        "speakers": False,
    }
    return {
        "schema": 1,
        "shard": "job-20261122-0007",
        "job": "job-20261122",
        "output": output,
        "files": [{**file, **rest}],
        "options": {"formats": ["json", "srt"], "channels": "mix", **options},
    }


def test_the_documented_message_is_transcribed(up: Up) -> None:
    audio = upload_sample(up, "bare/a.wav")
    send(up, interface_document(audio, "s3://transcripts/bare/"))
    transcript = wait_for(lambda: up.read_json("bare/calls/a.wav.json"))
    assert transcript["text"]
    assert transcript["audio"]["uri"] == audio
    receipt = transcript["receipt"]
    assert receipt["job"] == "job-20261122"
    assert receipt["model"] == "demo"
    assert receipt["device"] == "cpu"
    assert receipt["fingerprint"].startswith("sha256:")
    assert up.s3.head_object(Bucket="transcripts", Key="bare/calls/a.wav.srt")


def test_optional_fields_may_be_omitted(up: Up) -> None:
    audio = upload_sample(up, "bare/small.wav")
    small = {"schema": 1, "shard": "s", "output": "s3://transcripts/", "files": [{"audio": audio}]}
    send(up, small)
    assert wait_for(lambda: up.read_json("bare/small.wav.json"))["receipt"]["job"] is None


def test_a_malformed_shard_is_dead_lettered_with_its_reason(up: Up) -> None:
    broken = {"schema": 1, "shard": "broken", "output": "not-s3", "files": []}
    send(up, broken)

    def dead_letter() -> dict[str, Any] | None:
        dead_letters = [json.loads(value) for value in up.redis.hvals("fleet:dead")]
        return next((one for one in dead_letters if one["document"] == broken), None)

    reason = wait_for(dead_letter)["reason"]
    assert "output: " in reason
    assert "s3://bucket/prefix/" in reason
    assert "files: " in reason


def test_status_counts_a_job_without_a_plan(up: Up) -> None:
    audio = upload_sample(up, "bare/counted.wav")
    document = interface_document(audio, "s3://transcripts/counted/")
    send(up, {**document, "job": "by-hand", "shard": "by-hand-0"})
    assert wait_for(lambda: up.read_json("counted/calls/a.wav.json"))

    def counted() -> tuple[int, dict[str, Any]] | None:
        done = up.fleet("status", "by-hand", "--json")
        found = json.loads(done.stdout or "null")
        return (done.returncode, found) if found and found["outcomes"]["ok"] else None

    code, status = wait_for(counted)
    assert status["outcomes"]["ok"] == status["files"] == 1
    # the number of files is unknown, so the job is not complete
    assert (code, status["state"], status["complete"]) == (3, "unknown", False)
    for arguments in (("by-hand",), ("by-hand", "--watch")):
        shown = up.fleet("status", *arguments)
        assert shown.returncode == 3
        assert "fleet reconcile by-hand" in shown.stdout
    rebuilt = up.fleet("reconcile", "by-hand", "--output", "s3://transcripts/counted/")
    assert rebuilt.returncode == 2
    assert rebuilt.stderr.startswith("fleet: S3 has no plan for job 'by-hand'")
    assert len(rebuilt.stderr.splitlines()) == 1


def test_a_message_with_wrong_arguments_is_dead_lettered(up: Up) -> None:
    client = Celery(broker=up.environment["FLEET_BROKER_URL"])
    sent = [
        client.send_task("fleet.transcribe", args=args, kwargs=named, queue="fleet").id
        for args, named in ([[], {}], [[1, 2], {}], [[], {"document": {}}])
    ]
    assert wait_for(lambda: set(sent) <= set(up.redis.hkeys("fleet:dead")))


def test_the_worker_continues_after_invalid_messages(up: Up) -> None:
    nonsense: list[Any] = [None, 7, "text", [], {}, {"schema": 2}, {"files": [{"audio": "/etc"}]}]
    for document in nonsense:
        send(up, document)
    audio = upload_sample(up, "bare/after.wav")
    send(up, {**interface_document(audio, "s3://transcripts/after/"), "shard": "after"})
    assert wait_for(lambda: up.read_json("after/calls/a.wav.json"))
