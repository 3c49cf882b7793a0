"""Each bad file gets one clear error; other files in the shard are unaffected."""

import io
import json
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleet_up import SAMPLES, Up


def silent_wav(seconds: float, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * channels * int(seconds * 16_000)))
    return out.getvalue()


def sample(pattern: str) -> bytes:
    return next(iter(sorted(SAMPLES.rglob(pattern)))).read_bytes()


BAD = {
    "text.mp3": b"this is not audio at all\n" * 50,
    "zero.wav": b"",
    "short.wav": silent_wav(0.010),
    "cut.m4a": b"",  # filled below from a real file
}
KINDS = {
    "text.mp3": "undecodable_audio",
    "zero.wav": "undecodable_audio",
    "short.wav": "audio_too_short",
    "cut.m4a": "undecodable_audio",
    "missing.wav": "audio_missing",
    "no-bucket.wav": "audio_missing",
}
GOOD = ("good-first.wav", "good-last.wav")


@pytest.fixture(scope="module")
def outcomes(up: Up, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any] | None]:
    """The result or error report in S3 of each file of a job with good and bad files."""
    cut = {f"cut.{kind}": sample(f"*.{kind}") for kind in ("flac", "m4a")}  # no index in m4a
    files = {
        **BAD,
        **{name: body[: len(body) // 3] for name, body in cut.items()},
        "silence.wav": silent_wav(3.0),
        "eight-channels.wav": silent_wav(3.0, channels=8),
        **dict.fromkeys(GOOD, sample("*.wav")),
    }
    for name, body in files.items():
        up.s3.put_object(Bucket="audio", Key=f"bad/{name}", Body=body)
    names = [GOOD[0], *KINDS, "cut.flac", "silence.wav", "eight-channels.wav", GOOD[1]]
    uris = {name: f"s3://audio/bad/{name}" for name in names}
    uris["no-bucket.wav"] = "s3://no-such-bucket/bad/no-bucket.wav"
    rows = "".join(json.dumps({"audio": uri}) + "\n" for uri in uris.values())
    manifest: Path = tmp_path_factory.mktemp("bad") / "bad.jsonl"
    manifest.write_text(rows)
    done = up.fleet("enqueue", str(manifest), "--output", "s3://transcripts/", "--job", "bad")
    assert done.returncode == 0, done.stderr
    up.wait_for_job("bad")
    suffix = {name: "error.json" if name in KINDS else "json" for name in names}
    return {name: up.read_json(f"bad/{name}.{suffix[name]}") for name in names}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_bad_file_has_its_error(
    outcomes: dict[str, dict[str, Any] | None], name: str, kind: str
) -> None:
    report = outcomes[name]
    assert report
    assert report["error"]["kind"] == kind
    assert len(report["error"]["message"]) > 10
    assert report["audio"]["uri"].endswith(name)


def test_an_empty_file_is_said_to_be_empty(
    outcomes: dict[str, dict[str, Any] | None],
) -> None:
    report = outcomes["zero.wav"]
    assert report
    assert report["error"]["message"] == "the file is empty (0 bytes)"


@pytest.mark.parametrize("name", GOOD)
def test_the_other_files_of_the_shard_are_transcribed(
    outcomes: dict[str, dict[str, Any] | None], name: str
) -> None:
    transcript = outcomes[name]
    assert transcript
    assert transcript["text"]


def test_the_rest_of_a_truncated_file_is_transcribed_and_the_loss_reported(
    outcomes: dict[str, dict[str, Any] | None],
) -> None:
    transcript = outcomes["cut.flac"]
    assert transcript
    assert "audio_truncated" in transcript["warnings"]
    assert transcript["audio"]["lost_ms"] > transcript["audio"]["duration_ms"]


def test_the_job_names_the_file_with_a_warning(
    up: Up, outcomes: dict[str, dict[str, Any] | None]
) -> None:
    assert outcomes["cut.flac"]
    done = up.fleet("failures", "bad", "--warnings", "--json")
    (group,) = [one for one in json.loads(done.stdout) if one["kind"] == "audio_truncated"]
    assert (group["count"], group["examples"][0]["relative"]) == (1, "bad/cut.flac")
    assert json.loads(up.fleet("report", "bad").stdout)["warnings"]["audio_truncated"] == 1


@pytest.mark.parametrize("name", ["silence.wav", "eight-channels.wav"])
def test_a_silent_file_succeeds_with_an_empty_transcript(
    outcomes: dict[str, dict[str, Any] | None], name: str
) -> None:
    transcript = outcomes[name]
    assert transcript
    assert transcript["text"] == ""
    assert transcript["segments"] == []
    assert transcript["receipt"]["speech_ms"] == 0
    assert "warnings" not in transcript


def test_a_missing_bucket_is_reported_before_anything_is_enqueued(up: Up) -> None:
    for source, output in (
        ("s3://no-such-bucket/", "s3://transcripts/x/"),
        ("s3://audio/bad/", "s3://no-such-bucket/x/"),
    ):
        done = up.fleet("enqueue", source, "--output", output)
        assert done.returncode == 2
        assert done.stderr.strip() == "fleet: bucket no-such-bucket does not exist"


def test_bad_rows_of_a_manifest_are_reported_and_skipped(up: Up, tmp_path: Path) -> None:
    manifest = tmp_path / "rows.jsonl"
    good = json.dumps({"audio": "s3://audio/bad/good-first.wav", "id": "rows/one"})
    manifest.write_text(f'{good}\n{{"audio": 7}}\nnot json\n')
    done = up.fleet("enqueue", str(manifest), "--output", "s3://transcripts/", "--json")
    assert done.returncode == 1
    assert "line 2: " in done.stderr
    assert "line 3: not a JSON object" in done.stderr
    assert json.loads(done.stdout)["enqueued"] == 1
