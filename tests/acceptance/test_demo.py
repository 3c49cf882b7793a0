"""`fleet demo` transcribes the samples."""

import json
from pathlib import Path

import pytest

from tests.support.fleet_up import clean_environment, processes_naming, run_fleet

EXTENSIONS = [
    *("json", "txt", "srt", "vtt", "tsv", "rttm", "ctm", "TextGrid"),
    *("whisper.json", "openai-verbose.json", "aws-transcribe.json"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    data = tmp_path_factory.mktemp("demo")
    done = run_fleet("demo", "--json", "--data", str(data), timeout_s=280)
    assert done.stdout, done.stderr
    return data, done.stdout, done.returncode


def test_every_sample_has_the_expected_outcome(demo: tuple[Path, str, int]) -> None:
    _, printed, code = demo
    document = json.loads(printed)
    assert code == 0
    assert document["files"] == len(document["results"]) >= 12
    assert document["empty"] == 1
    assert document["failed"] == 1
    assert document["ok"] == document["files"] - 2


def test_the_word_error_rate_is_at_most_one_percent(demo: tuple[Path, str, int]) -> None:
    document = json.loads(demo[1])
    assert document["words"] >= 100
    assert document["word_errors"] <= 0.01 * document["words"]


def test_the_file_that_is_not_audio_is_undecodable(demo: tuple[Path, str, int]) -> None:
    failed = [one for one in json.loads(demo[1])["results"] if one["status"] == "failed"]
    assert [one["text"].split(":")[0] for one in failed] == ["undecodable_audio"]


def test_results_are_stored_on_disk_in_every_format(demo: tuple[Path, str, int]) -> None:
    data, printed, _ = demo
    for result in json.loads(printed)["results"]:
        extensions = ["error.json"] if result["status"] == "failed" else EXTENSIONS
        for extension in extensions:
            assert (data / "s3/transcripts/demo" / f"{result['audio']}.{extension}").exists()


def test_every_word_has_timestamps(demo: tuple[Path, str, int]) -> None:
    for result in json.loads(demo[1])["results"]:
        if result["status"] == "ok":
            words = "".join(word["text"] for word in result["spoken"])
            assert words == result["text"].replace(" ", "")
            starts = [word["start_ms"] for word in result["spoken"]]
            assert starts == sorted(starts)


def test_no_process_is_left_running(demo: tuple[Path, str, int]) -> None:
    assert processes_naming(str(demo[0])) == []


@pytest.mark.slow
def test_data_is_removed_unless_keep_is_given(tmp_path: Path) -> None:
    environment = clean_environment(TMPDIR=str(tmp_path))
    done = run_fleet("demo", environment=environment, timeout_s=280)
    assert done.returncode == 0, done.stderr
    assert "words wrong" in done.stdout
    assert list(tmp_path.glob("fleet-demo-*")) == []
