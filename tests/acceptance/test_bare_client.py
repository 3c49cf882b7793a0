"""Any Celery client may send the task; a malformed one is put aside and hurts nobody."""

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


def test_the_document_of_the_interface_is_transcribed(up: Up) -> None:
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


def test_almost_everything_may_be_missing(up: Up) -> None:
    audio = upload_sample(up, "bare/small.wav")
    small = {"schema": 1, "shard": "s", "output": "s3://transcripts/", "files": [{"audio": audio}]}
    send(up, small)
    assert wait_for(lambda: up.read_json("bare/small.wav.json"))["receipt"]["job"] is None


def test_a_malformed_shard_is_put_aside_with_its_reason(up: Up) -> None:
    broken = {"schema": 1, "shard": "broken", "output": "not-s3", "files": []}
    send(up, broken)

    def letter() -> dict[str, Any] | None:
        letters = [json.loads(value) for value in up.redis.hvals("fleet:dead")]
        return next((one for one in letters if one["document"] == broken), None)

    reason = wait_for(letter)["reason"]
    assert "output: " in reason
    assert "s3://bucket/prefix/" in reason
    assert "files: " in reason


def test_status_counts_a_job_that_only_messages_know(up: Up) -> None:
    audio = upload_sample(up, "bare/counted.wav")
    document = interface_document(audio, "s3://transcripts/counted/")
    send(up, {**document, "job": "by-hand", "shard": "by-hand-0"})
    assert wait_for(lambda: up.read_json("counted/calls/a.wav.json"))

    def seen() -> tuple[int, dict[str, Any]] | None:
        asked = up.fleet("status", "by-hand", "--json")
        found = json.loads(asked.stdout or "null")
        return (asked.returncode, found) if found and found["outcomes"]["ok"] else None

    code, status = wait_for(seen)
    assert status["outcomes"]["ok"] == status["files"] == 1
    # nobody has told how many files there are: that is no end
    assert (code, status["state"], status["complete"]) == (3, "unknown", False)
    for arguments in (("by-hand",), ("by-hand", "--watch")):
        shown = up.fleet("status", *arguments)
        assert shown.returncode == 3
        assert "fleet reconcile by-hand" in shown.stdout
    rebuilt = up.fleet("reconcile", "by-hand", "--output", "s3://transcripts/counted/")
    assert rebuilt.returncode == 2
    assert rebuilt.stderr.startswith("fleet: S3 has no plan for job 'by-hand'")
    assert len(rebuilt.stderr.splitlines()) == 1


def test_a_message_with_other_arguments_is_put_aside(up: Up) -> None:
    client = Celery(broker=up.environment["FLEET_BROKER_URL"])
    sent = [
        client.send_task("fleet.transcribe", args=args, kwargs=named, queue="fleet").id
        for args, named in ([[], {}], [[1, 2], {}], [[], {"document": {}}])
    ]
    assert wait_for(lambda: set(sent) <= set(up.redis.hkeys("fleet:dead")))


def test_the_worker_goes_on_after_any_nonsense(up: Up) -> None:
    nonsense: list[Any] = [None, 7, "text", [], {}, {"schema": 2}, {"files": [{"audio": "/etc"}]}]
    for document in nonsense:
        send(up, document)
    audio = upload_sample(up, "bare/after.wav")
    send(up, {**interface_document(audio, "s3://transcripts/after/"), "shard": "after"})
    assert wait_for(lambda: up.read_json("after/calls/a.wav.json"))
