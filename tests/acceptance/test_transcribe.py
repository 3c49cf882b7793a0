"""`fleet transcribe` transcribes one file and leaves only the result in S3."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fleet_up import FLEET, SAMPLES, Up, run_fleet, wait_for

CALL = SAMPLES / "calls" / "voicemail.wav"
TEXT = json.loads((SAMPLES / "references.json").read_text())["calls/voicemail.wav"]["text"]


def keys(up: Up, prefix: str) -> list[str]:
    """Keys with a prefix in the bucket of transcripts."""
    answer = up.s3.list_objects_v2(Bucket="transcripts", Prefix=prefix)
    return [item["Key"] for item in answer.get("Contents", ())]


@pytest.fixture
def scratch(up: Up) -> Iterator[str]:
    """The scratch prefix that `fleet up` exports; checks that no upload is left there."""
    yield up.environment["FLEET_SCRATCH"].removeprefix("s3://transcripts/")
    assert keys(up, "scratch/uploads/") == []


def test_a_local_file_is_transcribed_and_its_upload_is_deleted(up: Up, scratch: str) -> None:
    assert scratch == "scratch/"
    done = up.fleet("transcribe", str(CALL))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == TEXT
    assert done.stderr == ""  # no progress display without a terminal


def test_an_object_is_transcribed_without_a_copy(up: Up, scratch: str) -> None:
    up.s3.upload_file(str(CALL), "audio", "one/voicemail.wav")
    done = up.fleet("transcribe", "s3://audio/one/voicemail.wav")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == TEXT
    assert up.s3.head_object(Bucket="audio", Key="one/voicemail.wav")


def test_the_document_contains_the_address_of_the_result(up: Up, scratch: str) -> None:
    done = up.fleet("transcribe", str(CALL), "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["transcript"]["text"] == TEXT
    assert document["error"] is None
    bucket, _, key = document["result"].removeprefix("s3://").partition("/")
    assert (bucket, key.startswith("scratch/results/")) == ("transcripts", True)
    assert up.read_json(key) == document["transcript"]


@pytest.mark.parametrize(
    ("printed", "begins", "holds"),
    [("srt", "1\n00:00:0", " --> "), ("vtt", "WEBVTT", " --> "), ("json", "{", '"words"')],
)
def test_other_formats_are_printed_as_stored_in_s3(
    up: Up, scratch: str, printed: str, begins: str, holds: str
) -> None:
    done = up.fleet("transcribe", str(CALL), "--format", printed, "--timestamps", "word")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(begins)
    assert holds in done.stdout
    assert TEXT.split()[0] in done.stdout


def test_two_concurrent_requests_for_one_file_have_two_results(up: Up, scratch: str) -> None:
    command = [*FLEET, "transcribe", str(CALL), "--json"]
    both = [
        subprocess.Popen(command, env=up.environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    documents = [json.loads(one.communicate(timeout=120)[0]) for one in both]
    assert documents[0]["result"] != documents[1]["result"]
    assert [document["transcript"]["text"] for document in documents] == [TEXT, TEXT]


def test_a_file_that_is_not_audio_is_a_one_line_error_and_code_1(up: Up, scratch: str) -> None:
    done = up.fleet("transcribe", str(SAMPLES / "not-audio.mp3"), "--json")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "not-audio.mp3 was not transcribed: undecodable_audio: " in done.stderr
    document = json.loads(done.stdout)
    assert document["error"]["kind"] == "undecodable_audio"
    assert document["transcript"] is None
    assert document["result"].endswith("/not-audio.mp3.error.json")


def test_a_missing_object_is_code_1(up: Up, scratch: str) -> None:
    done = up.fleet("transcribe", "s3://audio/one/nothing.wav")
    assert done.returncode == 1
    assert "audio_missing" in done.stderr


def test_a_queue_without_a_worker_is_code_3_and_suggests_what_to_check(
    up: Up, scratch: str
) -> None:
    environment = {**up.environment, "FLEET_QUEUE": "deserted"}
    done = run_fleet("transcribe", str(CALL), "--timeout", "2", environment=environment)
    assert done.returncode == 3
    assert "no result within 2 s: no worker took it" in done.stderr
    assert "fleet status" in done.stderr
    assert "queue deserted (1 messages are waiting)" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_deletes_its_upload(up: Up, scratch: str, number: int) -> None:
    environment = {**up.environment, "FLEET_QUEUE": "left-alone"}
    process = subprocess.Popen([*FLEET, "transcribe", str(CALL)], env=environment)
    wait_for(lambda: keys(up, "scratch/uploads/"))
    process.send_signal(number)
    assert process.wait(30) == 130


@pytest.mark.parametrize(
    ("arguments", "changes", "message"),
    [
        (["nothing.wav"], {}, "nothing.wav is neither a local file nor s3://bucket/key"),
        ([str(CALL)], {"FLEET_SCRATCH": ""}, "set FLEET_SCRATCH, or pass one"),
        ([str(CALL), "--scratch", "s3://x"], {}, "scratch s3://x must be s3://bucket/prefix/"),
        ([str(CALL), "--scratch", "s3://no-such-bucket/x/"], {}, "bucket no-such-bucket"),
        ([str(CALL), "--timestamps", "never"], {}, "--timestamps"),
        ([str(CALL)], {"FLEET_SCRATCH": "x"}, "FLEET_SCRATCH: "),
    ],
)
def test_invalid_arguments_are_code_2_and_name_the_correction(
    up: Up, arguments: list[str], changes: dict[str, str], message: str
) -> None:
    done = run_fleet("transcribe", *arguments, environment={**up.environment, **changes})
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_progress_is_shown_on_a_terminal(up: Up, scratch: str) -> None:
    terminal, end = pty.openpty()
    done = subprocess.run(
        [*FLEET, "transcribe", str(CALL)],
        env={**up.environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=end,
        text=True,
        timeout=120,
        check=True,
    )
    os.close(end)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert done.stdout.strip() == TEXT
    assert "waiting for a worker" in shown
