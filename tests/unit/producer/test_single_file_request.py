"""Addresses of a single file's objects, and requests rejected before anything is sent."""

from pathlib import Path

import pytest

from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.producer.single_file_request import plan
from funasr_fleet.settings import BadConfiguration

SCRATCH = "s3://scratch/mine/"


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    path.write_bytes(b"sound")
    return path


def test_a_local_file_is_uploaded_under_a_unique_name(call: Path) -> None:
    first, second = plan(str(call), SCRATCH), plan(str(call), SCRATCH)
    assert first.local == call
    assert first.audio.startswith(SCRATCH + "uploads/")
    assert first.output.startswith(SCRATCH + "results/")
    assert first.audio.endswith("/call.wav")
    assert first.name == "call.wav"
    assert len({first.audio, second.audio}) == 2
    assert len({first.output, second.output}) == len({first.shard, second.shard}) == 2


def test_an_object_in_s3_is_not_uploaded() -> None:
    errand = plan("s3://in/calls/a.mp3", SCRATCH)
    assert (errand.audio, errand.local, errand.name) == ("s3://in/calls/a.mp3", None, "a.mp3")


@pytest.mark.parametrize("name", ["odd\\name.wav", "bell\a.wav", "cut\udce9.wav"])
def test_a_name_that_s3_does_not_take_is_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"sound")
    assert plan(str(tmp_path / name), SCRATCH).name == "audio"


@pytest.mark.parametrize(
    ("audio", "scratch", "error", "said"),
    [
        ("nothing.wav", SCRATCH, BadSource, "neither a local file nor"),
        (".", SCRATCH, BadSource, "neither a local file nor"),
        ("s3://in/calls/", SCRATCH, BadSource, "one object"),
        ("s3://in", SCRATCH, BadSource, "one object"),
        ("s3://in/a.wav", "", BadConfiguration, "set FLEET_SCRATCH, or pass one"),
        ("s3://in/a.wav", "s3://scratch", BadConfiguration, "must be s3://bucket/prefix/"),
        ("s3://in/a.wav", "scratch/", BadConfiguration, "must be s3://bucket/prefix/"),
        ("s3://in/a.wav", f"s3://scratch/{'a' * 640}/", BadConfiguration, "at most 650 bytes"),
    ],
)
def test_invalid_arguments_are_rejected_before_anything_is_sent(
    audio: str, scratch: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        plan(audio, scratch)
