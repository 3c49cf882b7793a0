"""The audit reports every kind of problem, and none for a correct job."""

from dataclasses import replace
from typing import Any

import pytest

from bench.faults.audit import audit
from bench.faults.evidence import Ending, Evidence, Leftovers

REPORT: dict[str, Any] = {
    "files": 3,
    "outcomes": {"ok": 1, "empty": 1, "failed": 1, "skipped": 0, "cancelled": 0},
    "failures": {"poison": 1},
    "throughput": [{"files": 2}, {"files": 1}],
}
WELL = Evidence(
    job="j",
    planned={0: "a", 1: "b", 2: "c"},
    results=frozenset({"a", "b"}),
    errors={"c": "poison"},
    bitmaps={"ok": frozenset({0}), "empty": frozenset({1}), "failed": frozenset({2})},
    minute_files=3,
    ending=Ending(report=REPORT, failed=(2,), success=False),
)


def test_a_correct_job_has_no_problems() -> None:
    found = audit(WELL)
    assert (found.problems, found.lost, found.double_counted) == ((), 0, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"results": frozenset({"a"})}, "no outcome in S3: b"),
        ({"results": frozenset({"a", "b", "c"})}, "a result and an error: c"),
        ({"torn": ("a.json",)}, "torn or of another file: a.json"),
        ({"strays": ("a.tmp",)}, "stray objects: a.tmp"),
        ({"bitmaps": {**WELL.bitmaps, "empty": frozenset()}}, "not done in the ledger: b"),
        ({"bitmaps": {**WELL.bitmaps, "failed": frozenset()}}, "not failed in the ledger: c"),
        ({"bitmaps": {**WELL.bitmaps, "skipped": frozenset({1})}}, "two outcomes in the ledger: b"),
        ({"bitmaps": {**WELL.bitmaps, "cancelled": frozenset({1})}}, "cancelled: b"),
        ({"minute_files": 2}, "the throughput counts 2 of 3 files"),
        ({"ending": Ending()}, "report.json is missing"),
        ({"ending": replace(WELL.ending, success=True)}, "_SUCCESS exists, 1 files failed"),
        ({"ending": replace(WELL.ending, failed=(1,))}, "failures.jsonl names [1]"),
        ({"ending": replace(WELL.ending, failed=(2, 2))}, "failures.jsonl names [2, 2]"),
        ({"leftovers": Leftovers(waiting=1)}, "1 messages wait"),
        ({"leftovers": Leftovers(unacked=("t",))}, "unacknowledged: t"),
        ({"leftovers": Leftovers(leases=("t",))}, "leased: t"),
        ({"leftovers": Leftovers(claims=("k",))}, "claimed: k"),
        ({"leftovers": Leftovers(open_shards=("s",))}, "open: s"),
    ],
)
def test_every_kind_of_problem_is_reported(change: dict[str, Any], said: str) -> None:
    assert any(said in one for one in audit(replace(WELL, **change)).problems)


@pytest.mark.parametrize("key", ["files", "outcomes", "failures", "throughput"])
def test_a_report_that_differs_from_the_evidence_is_a_problem(key: str) -> None:
    other: Any = {"files": 4, "outcomes": {"ok": 3}, "failures": {}, "throughput": [{"files": 4}]}[
        key
    ]
    ending = replace(WELL.ending, report={**REPORT, key: other})
    assert len(audit(replace(WELL, ending=ending)).problems) == 1


def test_a_file_without_outcome_is_lost() -> None:
    assert audit(replace(WELL, results=frozenset({"a"}))).lost == 1
    assert audit(replace(WELL, bitmaps={"ok": frozenset({0})})).lost == 2
    assert audit(replace(WELL, minute_files=0)).lost == 3


def test_a_file_with_two_outcomes_is_counted_twice() -> None:
    both = replace(WELL, results=frozenset({"a", "b", "c"}))
    marked = replace(WELL, bitmaps={**WELL.bitmaps, "skipped": frozenset({1, 2})})
    assert audit(both).double_counted == 1
    assert audit(marked).double_counted == 2
    assert audit(replace(WELL, minute_files=7)).double_counted == 4


def test_long_lists_of_files_are_shortened() -> None:
    planned = {number: f"{number:02d}" for number in range(20)}
    (first, *_) = audit(Evidence(job="j", planned=planned)).problems
    assert first == "no outcome in S3: 00, 01, 02, 03, 04, 05, 06, 07 and 12 more"
