"""`fleet doctor` with a running fleet."""

import json
from typing import Any

import pytest

from tests.support.fleet_up import Up, run_fleet

ALL = ("--audio", "s3://audio/job/", "--output", "s3://transcripts/doctor/")


def rows(text: str) -> dict[str, dict[str, Any]]:
    return {one["row"]: one for one in json.loads(text)}


@pytest.mark.slow
def test_a_healthy_fleet_has_a_row_for_each_component(up: Up, job: str) -> None:
    mine = {**up.environment, "FLEET_DEVICES": "cpu"}
    done = run_fleet("doctor", *ALL, "--json", environment=mine)
    assert done.returncode == 0, done.stdout + done.stderr
    found = rows(done.stdout)
    sound = {"broker", "broker write", "clock", "queue", "S3", "S3 read", "S3 write"}
    sound |= {"run folder", "model", "server", "keeping", "restart"}
    assert {name for name in sound if found[name]["verdict"] != "ok"} == set()
    assert found.keys() == sound | {"port", "devices", "threads", "decoders"}
    assert "transcribes the canary" in found["model"]["told"]
    password = up.environment["FLEET_BROKER_URL"].split(":")[2].split("@")[0]
    assert password not in done.stdout


def test_each_problem_is_reported_with_a_fix(up: Up) -> None:
    mine = {**up.environment, "FLEET_DEVICES": "0"}
    where = ("--audio", "s3://nobodys-bucket/", "--output", "s3://transcripts/")
    done = run_fleet("doctor", *where, environment=mine)
    assert done.returncode == 2
    assert "FLEET_DEVICES=cpu" in done.stdout
    assert "check its name and region, or create it" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_invalid_output_or_endpoint_is_reported_as_a_row(up: Up) -> None:
    mine = {**up.environment, "FLEET_DEVICES": "cpu"}
    done = run_fleet(
        "doctor", "--no-model", "--json", "--output", "s3://transcripts", environment=mine
    )
    assert done.returncode == 2
    assert "end with a slash" in rows(done.stdout)["S3 write"]["told"]
    mine["AWS_ENDPOINT_URL_S3"] = "localhost:9000"
    done = run_fleet("doctor", "--no-model", "--json", environment=mine)
    assert done.returncode == 2
    found = rows(done.stdout)
    assert "http://host:port" in found["S3"]["told"]
    assert found["broker write"]["verdict"] == "ok"


def test_an_unavailable_broker_is_code_3_and_the_other_checks_run(up: Up) -> None:
    mine = {**up.environment, "FLEET_BROKER_URL": "redis://127.0.0.1:1/0", "FLEET_DEVICES": "cpu"}
    done = run_fleet("doctor", "--no-model", "--json", environment=mine)
    assert done.returncode == 3
    found = rows(done.stdout)
    assert found["broker"]["verdict"] == "error"
    assert found["S3"]["verdict"] == "ok"
    assert found["model"]["verdict"] == "skipped"
