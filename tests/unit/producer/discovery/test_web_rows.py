"""Rows of a manifest that name audio of the web: taken from hosts that are allowed."""

import json
from pathlib import Path

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery import BadRow, open_source
from tests.support.memory_store import MemoryStore

SIGNED = "https://host.example/calls/a.mp3?X-Amz-Signature=hush"


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "list.jsonl"
    rows = [
        {"audio": "s3://in/a.wav"},
        {"audio": SIGNED, "start_ms": 5},
        {"audio_filepath": "http://other.example/b.wav", "duration": 2.5},
        {"audio": SIGNED, "id": "mine"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _read(manifest: Path) -> list[AudioRef | BadRow]:
    source = open_source(str(manifest), MemoryStore(), None)
    return [found.item for found in source.after("")]


def test_without_the_setting_such_rows_are_bad_and_told_with_their_line(manifest: Path) -> None:
    first, *bad = _read(manifest)
    assert isinstance(first, AudioRef)
    for number, row in enumerate(bad, 2):
        said = f"line {number}: audio: its host is not in FLEET_ALLOWED_HTTP_HOSTS"
        assert said in str(row)
        assert "hush" not in str(row)


def test_rows_of_hosts_that_are_allowed_are_taken(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_ALLOWED_HTTP_HOSTS", "host.example, third.example")
    first, second, third, fourth = _read(manifest)
    assert isinstance(first, AudioRef)
    assert isinstance(second, AudioRef)
    assert (second.audio, second.relative) == (SIGNED, "calls/a.mp3@5-")
    assert isinstance(third, BadRow)
    assert isinstance(fourth, AudioRef)
    assert fourth.relative == "mine"
