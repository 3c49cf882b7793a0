"""PURE. Why files of a job failed: how many for which reason, with examples."""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.job_report import failed_by_kind
from contract.ledger.values import FailureExample, JobCounts


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """Failed files with one kind of reason."""

    kind: str
    """An ErrorKind, or `unknown`."""
    count: int
    """Files."""
    examples: tuple[FailureExample, ...]
    """A few of them."""


def group_failures(
    counts: JobCounts, examples: Iterable[FailureExample]
) -> tuple[FailureGroup, ...]:
    """The most frequent kind first."""
    some = tuple(examples)
    return tuple(
        FailureGroup(
            kind=kind, count=count, examples=tuple(one for one in some if one.kind == kind)
        )
        for kind, count in failed_by_kind(counts).items()
    )
