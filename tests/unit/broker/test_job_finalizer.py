"""The final documents of a job are written once, after its end, and match its ledger."""

import gzip
import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from funasr_fleet.broker.job_finalizer import _NOT_RECORDED, JobFinalizer
from funasr_fleet.broker.ledger import OUTCOMES, JobCounts, JobWriter, LedgerReader
from funasr_fleet.broker.ledger.values import KEEP_S, FailureExample
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.layout import failed_record_uri, job_uri, part_uri
from funasr_fleet.contract.shard_record import FileRecord, RecordedError, encode
from funasr_fleet.producer.planning.packing import PlannedFile
from funasr_fleet.producer.planning.parts import Cursor, Part, planned_row, write_part
from funasr_fleet.storage.base import BucketMissing
from tests.support.memory_store import MemoryStore

OUT = "s3://out/prefix/"


class Books:
    """A ledger of one job in memory."""

    def __init__(self, **counts: Any) -> None:
        outcomes = dict.fromkeys(OUTCOMES, 0) | counts.pop("outcomes", {})
        given = {"created_at": 1.0, "published": True, "audio_ms": 0, "files": 3, **counts}
        self.found = JobCounts(job="night", output=OUT, outcomes=outcomes, **given)
        self.failed: list[int] = []
        self.poison: list[int] = []
        self.claims = 1
        self.reopened = False
        """Whether files are published again while the documents are written."""
        self.closed: list[int] = []

    def counts(self, job: str) -> JobCounts:
        return self.found

    def bitmap(self, job: str, name: str) -> bytes:
        bits = bytearray(1)
        for index in {"failed": self.failed, "kind:poison": self.poison}.get(name, ()):
            bits[0] |= 128 >> index
        return bytes(bits)

    def examples(self, job: str) -> list[FailureExample]:
        return [FailureExample(kind="poison", index=1, relative="1.wav", message="died twice")]

    def minutes(self, job: str) -> list[Any]:
        return []

    def latency(self, job: str) -> dict[int, int]:
        return {}

    def claim_closing(self, job: str, token: str, lease_s: int) -> bool:
        self.claims -= 1
        return self.claims >= 0

    def release_closing(self, job: str, token: str) -> None:
        self.claims += 1

    def close(self, job: str, keep_s: int, rounds: int) -> bool:
        self.closed.append(keep_s)
        return rounds == self.found.rounds and not self.reopened


def a_closer(books: Books, store: MemoryStore) -> JobFinalizer:
    return JobFinalizer(cast(LedgerReader, books), cast(JobWriter, books), store)


def written(store: MemoryStore) -> set[str]:
    start = job_uri(OUT, "night", "")
    return {f"s3://out/{key}".removeprefix(start) for key in store.objects["out"]}


def test_a_job_without_failures_ends_with_success() -> None:
    books, store = Books(outcomes={"ok": 2, "empty": 1}), MemoryStore("out")
    assert a_closer(books, store).close("night") == "closed"
    assert written(store) == {"report.json", "failures.jsonl", "_SUCCESS"}
    assert json.loads(store.read(job_uri(OUT, "night", "report.json")))["outcomes"]["ok"] == 2
    assert books.closed == [KEEP_S]


@pytest.mark.parametrize(
    "counts",
    [
        {"outcomes": {"ok": 2}},
        {"outcomes": {"ok": 3}, "published": False},
        {"outcomes": {"ok": 3}, "closed_at": 5.0},
        {"outcomes": {"ok": 3}, "created_at": 0.0},
        {"outcomes": {"ok": 1}, "cancelled_at": 5.0, "in_flight": 1},
        {"outcomes": {"ok": 3}, "open_shards": 1},
        {"outcomes": {"ok": 3}, "whole": False},
        {"outcomes": {"ok": 3}, "cancelled_at": 5.0, "whole": False},
    ],
)
def test_a_running_closed_or_incomplete_job_is_not_finalized(counts: dict[str, Any]) -> None:
    books, store = Books(**counts), MemoryStore("out")
    assert a_closer(books, store).close("night") == "not due"
    assert (written(store), books.closed, books.claims) == (set(), [], 1)


def test_a_job_that_another_process_finalizes_is_left_alone() -> None:
    books, store = Books(outcomes={"ok": 3}), MemoryStore("out")
    books.claims = 0
    assert a_closer(books, store).close("night") == "held"
    assert written(store) == set()


def test_a_job_that_is_reopened_while_it_is_closed_has_no_success_marker() -> None:
    books, store = Books(outcomes={"ok": 3}), MemoryStore("out")
    books.reopened = True
    assert a_closer(books, store).close("night") == "not due"
    assert "_SUCCESS" not in written(store)


def test_a_storage_failure_leaves_the_job_open_for_the_next_attempt() -> None:
    books, store = Books(outcomes={"ok": 3}), MemoryStore("out")
    with pytest.raises(BucketMissing):
        a_closer(books, MemoryStore("other")).close("night")
    assert books.closed == []
    assert a_closer(books, store).close("night") == "closed"
    assert "_SUCCESS" in written(store)


def test_fixed_failures_are_left_out_and_a_stale_success_marker_is_deleted() -> None:
    books, store = Books(outcomes={"ok": 2, "failed": 1}), MemoryStore("out")
    books.failed = [2]
    store.write(job_uri(OUT, "night", "_SUCCESS"), b"", "")
    error = RecordedError(kind="poison", message="died")
    for shard, indexes in (("a", [1, 2]), ("b", [2])):
        rows = [
            FileRecord(index=n, relative=str(n), outcome="failed", error=error) for n in indexes
        ]
        store.write(failed_record_uri(OUT, "night", shard), encode(rows), "")
    assert a_closer(books, store).close("night") == "closed"
    (row,) = store.read(job_uri(OUT, "night", "failures.jsonl")).splitlines()
    assert json.loads(row)["index"] == 2
    assert "_SUCCESS" not in written(store)


def a_part(store: MemoryStore, number: int, first: int) -> None:
    """A window of two files in the plan."""
    refs = ((n, AudioRef(audio=f"s3://in/{n}.wav")) for n in (first, first + 1))
    files = [PlannedFile(n, planned_row(ref, n), 1) for n, ref in refs]
    write_part(store, OUT, "night", Part(number=number, files=files, next_cursor=Cursor()))


def rows_of(store: MemoryStore) -> list[tuple[int | None, str, str, str]]:
    body = store.read(job_uri(OUT, "night", "failures.jsonl"))
    found = map(FileRecord.model_validate_json, body.splitlines())
    return [
        (one.index, one.relative, *((one.error.kind, one.error.message) if one.error else ("", "")))
        for one in found
    ]


def test_a_failure_without_a_shard_record_is_named_from_the_plan() -> None:
    """The record is missing when the shard was lost or could not write it."""
    books, store = Books(outcomes={"failed": 4}, files=4), MemoryStore("out")
    books.failed, books.poison = [0, 1, 2, 3], [1, 2]
    error = RecordedError(kind="undecodable_audio", message="no audio")
    rows = [FileRecord(index=0, relative="0.wav", outcome="failed", error=error)]
    store.write(failed_record_uri(OUT, "night", "a"), encode(rows), "")
    for number in range(2):
        a_part(store, number, 2 * number)
    assert a_closer(books, store).close("night") == "closed"
    assert rows_of(store) == [
        (0, "0.wav", "undecodable_audio", "no audio"),
        (1, "1.wav", "poison", "died twice"),
        (2, "2.wav", "poison", _NOT_RECORDED),
        (3, "3.wav", "", ""),
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body[:-12],
        lambda body: body[:1],
        lambda body: b"",
        lambda body: gzip.compress(b"{}\n{"),
        lambda body: gzip.compress(gzip.decompress(body).replace(b'"audio"', b'"unheard_of"')),
    ],
)
def test_an_unreadable_plan_does_not_keep_a_job_open(damage: Callable[[bytes], bytes]) -> None:
    books, store = Books(outcomes={"failed": 3}), MemoryStore("out")
    books.failed, books.poison = [0, 2, 7], [0]
    for number in range(2):
        a_part(store, number, 2 * number)
    uri = part_uri(OUT, "night", 0)
    store.write(uri, damage(store.read(uri)), "")
    assert a_closer(books, store).close("night") == "closed"
    assert rows_of(store) == [
        (2, "2.wav", "", ""),
        (0, "", "poison", _NOT_RECORDED),
        (7, "", "", ""),
    ]


def test_a_cancelled_job_gets_no_success_marker() -> None:
    books = Books(outcomes={"ok": 3}, files=5, cancelled_at=9.0)
    store = MemoryStore("out")
    assert a_closer(books, store).close("night") == "closed"
    assert "_SUCCESS" not in written(store)
