"""A job from the command line: enqueue, watch, enqueue again."""

import json
import re

from tests.support.fleet_up import Up

OUTPUT = "s3://transcripts/job/"
ENDINGS = (
    *("json", "txt", "srt", "vtt", "tsv", "rttm", "ctm", "TextGrid"),
    *("whisper.json", "openai-verbose.json", "aws-transcribe.json"),
)


def test_status_counts_every_file_once(up: Up, job: str) -> None:
    status = json.loads(up.fleet("status", job, "--json").stdout)
    assert status["files"] == sum(status["outcomes"].values())
    assert status["outcomes"]["empty"] == 1
    assert status["outcomes"]["failed"] == 1
    assert status["waiting"] == 0


def test_a_job_with_failures_ends_with_code_1(up: Up, job: str) -> None:
    assert up.fleet("status", job).returncode == 1


def test_the_job_is_listed(up: Up, job: str) -> None:
    listed = json.loads(up.fleet("jobs", "--json").stdout)
    assert job in [one["job"] for one in listed]


def test_a_second_enqueue_skips_every_file_and_reports_it(up: Up, job: str) -> None:
    again = ("enqueue", "s3://audio/job/", "--output", OUTPUT, "--timestamps", "word")
    result = json.loads(up.fleet(*again, "--json").stdout)
    assert result["files"] == result["skipped"] >= 12
    assert result["enqueued"] == result["shards"] == 0
    output = up.fleet(*again).stdout
    assert "none needs to be enqueued: nothing to do" in output


def test_overwrite_processes_every_file_again(up: Up, job: str) -> None:
    where = ("enqueue", "s3://audio/job/calls/", "--output", "s3://transcripts/again/")
    up.wait_for_job(json.loads(up.fleet(*where, "--json").stdout)["job"])
    result = json.loads(up.fleet(*where, "--overwrite", "--json").stdout)
    assert result["enqueued"] == result["files"] >= 1
    status = up.wait_for_job(result["job"])
    assert status["outcomes"]["ok"] == result["files"]


def test_a_job_with_the_same_name_is_rejected(up: Up, job: str) -> None:
    again = up.fleet("enqueue", "s3://audio/job/", "--output", OUTPUT, "--job", job)
    assert again.returncode == 2
    assert (
        again.stderr
        == f"fleet: job {job} already exists with other arguments: choose another name\n"
    )


def test_different_options_produce_a_separate_result(up: Up, job: str) -> None:
    other = ("enqueue", "s3://audio/job/calls/", "--output", "s3://transcripts/job/calls/")
    result = json.loads(up.fleet(*other, "--formats", "json,srt", "--json").stdout)
    assert result["enqueued"] == result["files"] >= 1
    up.wait_for_job(result["job"])


def test_words_are_inside_their_segments_and_join_to_the_text(up: Up, job: str) -> None:
    listed = up.s3.list_objects_v2(Bucket="transcripts", Prefix="job/")["Contents"]
    keys = [item["Key"] for item in listed if re.search(r"(?<!error)\.json$", item["Key"])]
    documents = [up.read_json(key) for key in keys if "_jobs/" not in key]
    spoken = [document for document in documents if document and document["segments"]]
    assert len(spoken) >= 10
    for document in spoken:
        squeezed = "".join(segment["text"] for segment in document["segments"]).replace(" ", "")
        assert document["text"].replace(" ", "") == squeezed
        assert document["segments"][-1]["end_ms"] <= document["audio"]["duration_ms"]
        for segment in document["segments"]:
            times = [
                t for word in segment["words"] or [] for t in (word["start_ms"], word["end_ms"])
            ]
            assert times == sorted(times)
            assert all(segment["start_ms"] <= t <= segment["end_ms"] for t in times)


def test_every_sample_has_every_format(up: Up, job: str) -> None:
    everything = ("enqueue", "s3://audio/job/", "--output", "s3://transcripts/all/")
    done = up.fleet(*everything, "--formats", "all", "--json")
    status = up.wait_for_job(json.loads(done.stdout)["job"])
    listed = up.s3.list_objects_v2(Bucket="transcripts", Prefix="all/")["Contents"]
    names = {item["Key"].removeprefix("all/") for item in listed}
    made = {name.removesuffix(".srt") for name in names if name.endswith(".srt")}
    assert len(made) == status["outcomes"]["ok"] + status["outcomes"]["empty"] >= 11
    assert {f"{name}.{ending}" for name in made for ending in ENDINGS} <= names
