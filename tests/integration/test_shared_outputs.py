"""Two unfinished jobs with the same output: the second enqueue warns of the first job."""

import json
from pathlib import Path

import pytest

from funasr_fleet import cancel, enqueue
from funasr_fleet.cli.enqueue import enqueue as enqueue_command
from funasr_fleet.contract.job import Options
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.examples import invoke
from tests.support.messages import Worker, drain, shards_waiting
from tests.support.stores import InProcessStore


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "a.jsonl"
    path.write_text('{"audio": "s3://audio/a.wav"}\n')
    return str(path)


def shared(warnings: list[str]) -> list[str]:
    return [one for one in warnings if "same output" in one]


def test_the_second_job_names_the_first_until_that_has_ended(
    settings: Settings, store: S3Store, output: str, source: str
) -> None:
    first = enqueue([source], output=output, job="first", store=InProcessStore())
    assert shared(first.warnings) == []
    told = invoke(enqueue_command, source, "--output", output, "--job", "second", "--json")
    (warning,) = shared(json.loads(told.stdout)["warnings"])
    assert "job first is not finished" in warning
    assert "may be transcribed twice" in warning
    assert warning in told.stderr
    for shard in shards_waiting(settings):
        Worker(settings, store, {}).do(shard)
    assert drain(settings, 2) == 2
    third = enqueue([source], output=output, job="third", overwrite=True, store=InProcessStore())
    assert shared(third.warnings) == []


def test_other_options_are_said_since_the_last_result_is_kept(
    settings: Settings, output: str, source: str
) -> None:
    store = InProcessStore()
    enqueue([source], output=output, job="first", store=store)
    options = Options(timestamps="word")
    second = enqueue([source], output=output, job="second", options=options, store=store)
    (warning,) = shared(second.warnings)
    assert "job first is not finished" in warning
    assert "finishes it last overwrites its result" in warning


def test_a_cancelled_job_or_another_output_is_not_named(
    settings: Settings, output: str, source: str
) -> None:
    store = InProcessStore()
    enqueue([source], output=output, job="first", store=store)
    elsewhere = enqueue([source], output=f"{output}b/", job="second", store=store)
    assert shared(elsewhere.warnings) == []
    cancel("first", settings)
    assert shared(enqueue([source], output=output, job="third", store=store).warnings) == []
