"""Documents of a job that somebody else replaced: a typed error, or the bad line is left out."""

import gzip
import json
import tracemalloc
from typing import Any

import pytest

from funasr_fleet.contract.job import MAX_INDEX
from funasr_fleet.contract.layout import job_uri, part_uri
from funasr_fleet.contract.shard_record import decode
from funasr_fleet.producer.errors import JobRefused
from funasr_fleet.producer.jobs.recorded_outcomes import read_outcomes
from funasr_fleet.producer.planning.parts import Cursor, read_part, read_parts
from funasr_fleet.producer.planning.request import (
    JobRequest,
    read_planned,
    read_request,
    read_start_time,
    write_request,
)
from funasr_fleet.storage import job_documents
from funasr_fleet.storage.job_documents import planned_names
from tests.support.memory_store import MemoryStore

OUTPUT = "s3://out/prefix/"
FILE: dict[str, Any] = {
    "estimated_ms": 5,
    "done": False,
    "row": {"index": 0, "audio": "s3://in/a.wav", "relative": "a.wav"},
}
CURSOR = Cursor(0, "1", 1).__dict__


def part_of(*lines: Any) -> bytes:
    return gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines), mtime=0)


GOOD = part_of(CURSOR, FILE)
BAD_PARTS = [
    b"",
    b"no gzip",
    GOOD[:-9],
    GOOD[:-12] + b"x" * 12,
    gzip.compress(b"", mtime=0),
    gzip.compress(b"\xff\n", mtime=0),
    gzip.compress(b"[" * 100_000, mtime=0),
    part_of(None, FILE),
    part_of({"surprise": 1}, FILE),
    part_of({**CURSOR, "found": "x"}, FILE),
    part_of({**CURSOR, "ignored": [1]}, FILE),
    part_of(CURSOR, None),
    part_of(CURSOR, {}),
    part_of(CURSOR, {**FILE, "row": None}),
    part_of(CURSOR, {**FILE, "row": {**FILE["row"], "index": None}}),
    part_of(CURSOR, {**FILE, "row": {**FILE["row"], "index": -1}}),
    part_of(CURSOR, {**FILE, "row": {**FILE["row"], "index": MAX_INDEX + 1}}),
    part_of(CURSOR, {**FILE, "row": {**FILE["row"], "bytes": "x"}}),
    part_of(CURSOR, {**FILE, "row": {**FILE["row"], "relative": 7}}),
    part_of(CURSOR, {**FILE, "estimated_ms": "x"}),
    part_of(CURSOR, {**FILE, "estimated_ms": 1 << 62}),
    part_of(CURSOR, {**FILE, "done": "x"}),
]


@pytest.mark.parametrize("body", BAD_PARTS)
def test_a_part_of_the_plan_that_is_not_valid_names_the_object(body: bytes) -> None:
    store = MemoryStore("out")
    store.write(part_uri(OUTPUT, "night", 0), GOOD, "")
    assert read_part(store, OUTPUT, "night", 0) is not None
    store.write(part_uri(OUTPUT, "night", 0), body, "")
    with pytest.raises(JobRefused, match=r"000000\.jsonl\.gz is not valid"):
        list(read_parts(store, OUTPUT, "night"))


def with_index(index: Any) -> dict[str, Any]:
    return {**FILE, "row": {**FILE["row"], "index": index}}


@pytest.mark.parametrize(
    "index", ["x", 1.5, True, None, [1], {}, float("inf"), float("nan"), -1, MAX_INDEX + 1, 10**200]
)
def test_names_of_a_part_without_a_valid_first_index_are_left_out(index: Any) -> None:
    store = MemoryStore("out")
    store.write(part_uri(OUTPUT, "night", 0), part_of(CURSOR, with_index(index)), "")
    store.write(part_uri(OUTPUT, "night", 1), part_of(CURSOR, with_index(3)), "")
    wanted = [1, 3, -1, MAX_INDEX + 1, 10**200]
    assert list(planned_names(store, OUTPUT, "night", wanted)) == [(3, "a.wav")]


def test_a_part_that_unpacks_to_more_than_its_limit_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_documents, "MAX_PART_BYTES", 1 << 20)
    store = MemoryStore("out")
    for bomb in (gzip.compress(bytes(8 << 20)), gzip.compress(b"\n" * (1 << 19)) * 9):
        store.write(part_uri(OUTPUT, "night", 0), bomb, "")
        with pytest.raises(JobRefused, match=r"000000\.jsonl\.gz is not valid: it has more than"):
            read_part(store, OUTPUT, "night", 0)


def request_document(**changes: Any) -> Any:
    store = MemoryStore("out")
    request = JobRequest(sources=("s3://in/",), output=OUTPUT)
    write_request(store, "night", request, "2026-11-22T12:00:00+00:00")
    return {**json.loads(store.read(job_uri(OUTPUT, "night", "job.json"))), **changes}


BAD_REQUESTS = [
    *(b"", b"{", b"\xff", b"[" * 100_000, b"null", b"[]", b"7", b"{}"),
    *(
        json.dumps(request_document(**change)).encode()
        for change in (
            {"options": None},
            {"options": {"formats": 7}},
            {"limits": None},
            {"limits": {"surprise": 1}},
            {"limits": {"files": "x"}},
            {"limits": {"files": 0}},
            {"sources": 7},
            {"suffixes": None},
            {"output": "s3://other/prefix/"},
            {"output": 7},
            {"priority": "x"},
            {"priority": 99},
        )
    ),
]


@pytest.mark.parametrize("body", BAD_REQUESTS)
def test_a_request_that_is_not_valid_is_refused(body: bytes) -> None:
    store = MemoryStore("out")
    store.write(job_uri(OUTPUT, "night", "job.json"), body, "")
    with pytest.raises(JobRefused, match="night"):
        read_request(store, OUTPUT, "night")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"begun": 7}', b'{"begun": "soon"}'])
def test_a_start_time_that_is_not_valid_is_refused(body: bytes) -> None:
    store = MemoryStore("out")
    store.write(job_uri(OUTPUT, "night", "job.json"), body, "")
    with pytest.raises(JobRefused, match=r"job\.json is not valid"):
        read_start_time(store, OUTPUT, "night")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"windows": "x"}', b'{"windows": -1}'])
def test_a_marker_of_the_plan_that_is_not_valid_is_refused(body: bytes) -> None:
    store = MemoryStore("out")
    store.write(job_uri(OUTPUT, "night", "planned.json"), body, "")
    with pytest.raises(JobRefused, match=r"planned\.json is not valid"):
        read_planned(store, OUTPUT, "night")


RECORD = b'{"index": 1, "relative": "a", "outcome": "ok", "audio_ms": 5}'
BAD_RECORDS = [
    *(b"\xff", b"[]", b"[" * 100_000, b'{"index": -1, "relative": "a", "outcome": "ok"}'),
    b'{"index": 1000000000000, "relative": "a", "outcome": "ok"}',
    b'{"index": 2, "relative": "a", "outcome": "ok", "audio_ms": %d}' % (1 << 70),
]


@pytest.mark.parametrize("line", BAD_RECORDS)
def test_a_row_of_a_shard_record_that_is_not_valid_is_left_out(line: bytes) -> None:
    body = b"\n".join((line, RECORD, line))
    assert [one.index for one in decode(body)] == [1]
    assert read_outcomes(recorded(body), OUTPUT, "night").good(1) == ("ok", 5)


def recorded(body: bytes) -> MemoryStore:
    """A store with a plan of one window, and this shard record."""
    store = MemoryStore("out")
    store.write(part_uri(OUTPUT, "night", 0), b"", "")
    store.write(job_uri(OUTPUT, "night", "shards/s.jsonl"), body, "")
    return store


def test_an_index_beyond_the_plan_takes_no_memory() -> None:
    line = b'{"index": %d, "relative": "b", "outcome": "ok", "audio_ms": 7}' % MAX_INDEX
    store = recorded(line + b"\n" + RECORD)
    tracemalloc.start()
    outcomes = read_outcomes(store, OUTPUT, "night")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (outcomes.good(1), outcomes.good(MAX_INDEX)) == (("ok", 5), None)
    assert peak < 10_000_000


def test_audio_of_more_than_seven_weeks_is_restored() -> None:
    long_ms = 1 << 33
    line = json.dumps({"index": 0, "relative": "a", "outcome": "ok", "audio_ms": long_ms})
    assert read_outcomes(recorded(line.encode()), OUTPUT, "night").good(0) == ("ok", long_ms)


def test_a_part_with_more_lines_than_a_window_has_files_is_rejected() -> None:
    store = MemoryStore("out")
    store.write(part_uri(OUTPUT, "night", 0), gzip.compress(b"{}\n" * 10_002), "")
    with pytest.raises(JobRefused, match="more than 10001 lines"):
        read_part(store, OUTPUT, "night", 0)
