"""PURE. Checks that every file of a job ended exactly once and was counted once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.faults.evidence import Evidence, Leftovers

_MOST_NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The result of an audit."""

    problems: tuple[str, ...]
    """One sentence per problem; empty if there are none."""
    lost: int
    """Files without an outcome in S3, in the ledger, or in the throughput."""
    double_counted: int
    """Files with two outcomes in S3 or in the ledger, or twice in the throughput."""


def audit(found: Evidence) -> Audit:
    """Check the outputs, the ledger, the documents of the job and the leftovers."""
    problems = [
        *_outputs(found),
        *_ledger(found),
        *_end(found),
        *_leftovers(found.leftovers),
    ]
    lost, double = _lost(found), _double_counted(found)
    return Audit(problems=tuple(problems), lost=lost, double_counted=double)


def _outputs(found: Evidence) -> Iterator[str]:
    ended = found.results | found.errors.keys()
    yield from _named("no outcome in S3", set(found.planned.values()) - ended)
    yield from _named("a result and an error", found.results & found.errors.keys())
    yield from _named("torn or of another file", found.torn)
    yield from _named("stray objects", found.strays)


def _ledger(found: Evidence) -> Iterator[str]:
    done = {found.planned.get(index, f"?{index}") for index in _done(found)}
    failed = {found.planned.get(index, f"?{index}") for index in _bits(found, "failed")}
    yield from _named("done in the ledger, without a result", done - found.results)
    yield from _named("with a result, not done in the ledger", found.results - done)
    yield from _named("failed in the ledger, without an error", failed - found.errors.keys())
    yield from _named("with an error, not failed in the ledger", found.errors.keys() - failed)
    yield from _named("cancelled", (found.planned[one] for one in _bits(found, "cancelled")))
    # no file was done before this job, so a skipped file is its own work that was not counted
    yield from _named("skipped", (found.planned[one] for one in _bits(found, "skipped")))
    twice = [found.planned[index] for index, times in _marks(found).items() if times > 1]
    yield from _named("two outcomes in the ledger", twice)
    if found.minute_files != len(found.planned):
        yield f"the throughput counts {found.minute_files} of {len(found.planned)} files"


def _end(found: Evidence) -> Iterator[str]:
    end, failed = found.ending, _bits(found, "failed")
    if end.report is None:
        yield "report.json is missing"
        return
    reported = {name: count for name, count in end.report["outcomes"].items() if count}
    counted = {name: len(bits) for name, bits in found.bitmaps.items() if bits}
    if reported != counted:
        yield f"report.json has {reported}, the ledger {counted}"
    if end.report["files"] != len(found.planned):
        yield f"report.json has {end.report['files']} files"
    if sum(end.report["failures"].values()) != len(failed):
        yield f"report.json has failures {end.report['failures']}, the ledger {len(failed)}"
    if sum(one["files"] for one in end.report["throughput"]) != found.minute_files:
        yield "report.json and the ledger have different throughputs"
    if sorted(end.failed) != sorted(failed):
        yield f"failures.jsonl names {sorted(end.failed)}, the ledger {sorted(failed)}"
    if end.success == bool(failed):
        yield f"_SUCCESS {'exists' if end.success else 'is missing'}, {len(failed)} files failed"


def _leftovers(left: Leftovers) -> Iterator[str]:
    if left.waiting:
        yield f"{left.waiting} messages wait"
    yield from _named("unacknowledged", left.unacked)
    yield from _named("leased", left.leases)
    yield from _named("claimed", left.claims)
    yield from _named("open", left.open_shards)


def _lost(found: Evidence) -> int:
    ended = found.results | found.errors.keys()
    marked = {found.planned.get(index) for index in _marks(found)}
    missing = [one for one in found.planned.values() if one not in ended or one not in marked]
    return max(len(missing), len(found.planned) - found.minute_files)


def _double_counted(found: Evidence) -> int:
    both = len(found.results & found.errors.keys())
    marked_twice = sum(times > 1 for times in _marks(found).values())
    return max(both, marked_twice, found.minute_files - len(found.planned), 0)


def _bits(found: Evidence, outcome: str) -> frozenset[int]:
    return next((bits for name, bits in found.bitmaps.items() if name == outcome), frozenset())


def _done(found: Evidence) -> frozenset[int]:
    return _bits(found, "ok") | _bits(found, "empty") | _bits(found, "skipped")


def _marks(found: Evidence) -> Counter[int]:
    """Return in how many bitmaps each file is."""
    return Counter(index for bits in found.bitmaps.values() for index in bits)


def _named(what: str, which: Iterable[str]) -> Iterator[str]:
    names = sorted(which)
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield f"{what}: {', '.join(names[:_MOST_NAMED])}{more}"
