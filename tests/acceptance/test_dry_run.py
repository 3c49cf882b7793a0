"""`fleet enqueue --dry-run` estimates time and cost and publishes nothing."""

import json

from tests.support.fleet_up import SAMPLES, Up

LOOK = ("--output", "s3://transcripts/looked/", "--upload", "s3://audio/looked/", "--dry-run")


def test_it_reports_files_hours_time_and_cost(up: Up) -> None:
    wanted = ("--gpus", "2", "--rtfx", "100", "--gpu-hour-price", "3.60")
    done = up.fleet("enqueue", str(SAMPLES), *LOOK, *wanted)
    assert done.returncode == 0, done.stderr
    for word in ("files ", "audio ", " on 2 GPUs (", "given by --rtfx", "at 3.6 a GPU hour"):
        assert word in done.stdout


def test_the_estimate_is_accurate_and_nothing_is_published(up: Up) -> None:
    jobs = up.fleet("jobs", "--json").stdout
    done = up.fleet("enqueue", str(SAMPLES), *LOOK, "--rtfx", "100", "--json")
    document = json.loads(done.stdout)
    assert document["files"] == document["sampled"] == 12
    assert document["ignored"][".json"] == 1
    assert "fleet: ignored: " in done.stderr
    assert document["measured"] == 10  # one is not audio, and one has a format without a reader
    assert 180_000 < document["audio_ms"]["likely"] < 200_000
    assert document["time_ms"]["likely"] == round(document["audio_ms"]["likely"] / 100)
    assert document["cost"] is None
    assert up.fleet("jobs", "--json").stdout == jobs
    assert "Contents" not in up.s3.list_objects_v2(Bucket="transcripts", Prefix="looked/")
