"""PURE. Failed files of a job, grouped by error kind, with examples."""

from collections.abc import Iterable
from dataclasses import dataclass

from funasr_fleet.broker.job_report import failed_by_kind
from funasr_fleet.broker.ledger.values import FailureExample, JobCounts


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """Failed files with the same error kind."""

    kind: str
    """An ErrorKind, or `unknown`."""
    count: int
    """Number of files."""
    examples: tuple[FailureExample, ...]
    """Some of the files."""


def group_failures(
    counts: JobCounts, examples: Iterable[FailureExample]
) -> tuple[FailureGroup, ...]:
    """One group per error kind, the most frequent kind first."""
    some = tuple(examples)
    return tuple(
        FailureGroup(
            kind=kind, count=count, examples=tuple(one for one in some if one.kind == kind)
        )
        for kind, count in failed_by_kind(counts).items()
    )
