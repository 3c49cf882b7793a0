"""The rows with the outcome of each file of a shard, and their addresses in S3."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.layout import failed_record_uri, job_uri, part_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, RecordedError, decode, encode
from tests.support.examples import OUTPUT

DONE = FileRecord(
    index=412,
    relative="calls/a.mp3",
    outcome="ok",
    etag='"9b2c"',
    fingerprint="sha256:ab",
    audio_ms=61_250,
    warnings=("audio_damaged",),
)
FAILED = FileRecord(
    index=413,
    relative="漢/b\n.mp3",
    outcome="failed",
    error=RecordedError(kind="undecodable_audio", message='no "audio"\nat all'),
)


def test_a_row_is_one_line_of_plain_json() -> None:
    line = DONE.to_line()
    assert line.endswith(b"}\n")
    assert json.loads(line) == {
        "index": 412,
        "relative": "calls/a.mp3",
        "outcome": "ok",
        "etag": '"9b2c"',
        "fingerprint": "sha256:ab",
        "audio_ms": 61_250,
        "error": None,
        "warnings": ["audio_damaged"],
    }


def test_rows_come_back_as_they_were_written() -> None:
    assert list(decode(encode([DONE, FAILED]))) == [DONE, FAILED]
    assert FileRecord.model_validate_json(FAILED.to_line()) == FAILED
    assert list(decode(b"")) == []


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_name_fits_on_one_line(relative: str) -> None:
    record = FileRecord(relative=relative, outcome="empty")
    assert record.to_line().count(b"\n") == 1
    assert list(decode(record.to_line())) == [record]


@pytest.mark.parametrize(
    "broken",
    [
        b"{",
        b"[]",
        b"7",
        b"\xff\xfe",
        b"{}",
        b'{"relative": "a", "outcome": "strange"}',
        b'{"relative": "a", "outcome": "ok", "audio_ms": -1}',
        DONE.to_line()[:40],
    ],
)
def test_a_broken_line_does_not_hide_the_others(broken: bytes) -> None:
    body = DONE.to_line() + broken + b"\n\n" + FAILED.to_line()
    assert list(decode(body)) == [DONE, FAILED]
    with pytest.raises(ValueError, match="FileRecord"):
        FileRecord.model_validate_json(broken)


def test_a_body_that_was_cut_off_keeps_its_whole_lines() -> None:
    assert list(decode(encode([DONE, FAILED])[:-5])) == [DONE]


def test_fields_of_a_later_release_are_ignored() -> None:
    line = json.dumps({**json.loads(DONE.to_line()), "mood": "good"}).encode()
    assert FileRecord.model_validate_json(line) == DONE


def test_documents_of_a_job_are_in_its_folder() -> None:
    folder = "s3://out/prefix/_jobs/night/"
    assert job_uri(OUTPUT, "night", "report.json") == f"{folder}report.json"
    assert shard_record_uri(OUTPUT, "night", "night-07") == f"{folder}shards/night-07.jsonl"
    assert failed_record_uri(OUTPUT, "night", "night-07") == f"{folder}failed/night-07.jsonl"
    assert part_uri(OUTPUT, "night", 12) == f"{folder}files/000012.jsonl.gz"


@pytest.mark.parametrize(
    "name", ["..", ".", "../../x", "a/b", "a\0", "漢" * 200, "\ud800", "a%2Fb"]
)
def test_names_of_other_clients_are_escaped_into_one_part_of_the_key(name: str) -> None:
    parts = shard_record_uri("s3://out/", name, name).split("/")
    assert max(map(len, parts)) <= 255
    assert parts[:4] == ["s3:", "", "out", "_jobs"]
    assert parts[5] == "shards"
    assert len(parts) == 7
    assert parts[4] not in ("", ".", "..")


def test_different_names_have_different_keys() -> None:
    names = ["a/b", "a%2Fb", "a%b", "..", "%2E%2E", "a b", "é" * 99 + "1", "é" * 99 + "2"]
    assert len({shard_record_uri(OUTPUT, "night", name) for name in names}) == len(names)
