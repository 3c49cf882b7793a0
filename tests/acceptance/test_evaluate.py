"""`fleet evaluate` compares the finished job with the references of the samples."""

import json
from pathlib import Path

import pytest

from tests.support.fleet_up import SAMPLES, Up

OUTPUT = ("--output", "s3://transcripts/job/")


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References for every sample, named as an uploaded folder names its outputs."""
    texts = json.loads((SAMPLES / "references.json").read_text())
    rows = [
        {"audio": f"s3://audio/job/{name}", "relative": name, "text": one["text"]}
        for name, one in texts.items()
    ]
    manifest = tmp_path_factory.mktemp("references") / "references.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    return manifest


def test_both_scripts_have_an_error_rate_and_the_failed_file_is_named(
    up: Up, job: str, references: Path
) -> None:
    done = up.fleet("evaluate", "--references", str(references), *OUTPUT, "--json")
    assert done.returncode == 1, done.stderr  # one of the samples is not audio
    document = json.loads(done.stdout)
    assert (document["files"], document["compared"]) == (12, 11)
    assert (document["missing"], document["failed"]) == (0, 1)
    assert document["models"] == ["demo"]
    for metric in ("wer", "cer"):
        assert document[metric]["words"] > 20
        assert document[metric]["rate"] < 0.05
    assert document["wer"]["words"] + document["cer"]["words"] == 307
    failed = [row for row in document["rows"] if row["outcome"] == "failed"]
    assert [row["relative"] for row in failed] == ["not-audio.mp3"]
    assert failed[0]["reason"].startswith("undecodable_audio: ")


def test_a_wrong_word_is_counted_and_shown(up: Up, job: str) -> None:
    result = up.read_json("job/pin-code.wav.json")
    assert result
    wrong = {"audio": "s3://in/pin-code.wav", "text": f"{result['text']} please"}
    up.s3.put_object(Bucket="audio", Key="references/wrong.jsonl", Body=json.dumps(wrong).encode())
    done = up.fleet("evaluate", "--references", "s3://audio/references/wrong.jsonl", *OUTPUT)
    assert done.returncode == 0, done.stderr
    assert "20.00 %" in done.stdout  # one word of five was not recognised
    assert "pin-code.wav" in done.stdout
    assert "demo: 1 of 1 files compared" in done.stdout


def test_the_manifest_of_a_job_is_matched_with_its_outputs(
    up: Up, job: str, tmp_path: Path
) -> None:
    whole = {"audio_filepath": "s3://audio/job/pin-code.wav", "text": "six one six two"}
    manifest = tmp_path / "nemo.json"
    manifest.write_text(f"{json.dumps(whole)}\n{json.dumps({**whole, 'offset': 0.1})}\n")
    there = (str(manifest), "--output", "s3://transcripts/nemo/", "--job", "nemo")
    assert up.fleet("enqueue", *there).returncode == 0
    up.wait_for_job("nemo")
    arguments = ("--references", str(manifest), "--output", "s3://transcripts/nemo/", "--json")
    document = json.loads(up.fleet("evaluate", *arguments).stdout)
    assert document["compared"] == 2
    assert [row["relative"] for row in document["rows"]] == [
        "job/pin-code.wav",
        "job/pin-code.wav@100-",
    ]


def test_an_output_without_results_is_an_error_that_suggests_a_fix(
    up: Up, job: str, references: Path
) -> None:
    done = up.fleet(
        "evaluate", "--references", str(references), "--output", "s3://transcripts/none/"
    )
    assert done.returncode == 1
    assert "no file has a result below --output" in done.stdout
    assert "relative" in done.stdout
