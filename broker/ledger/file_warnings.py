"""PURE: the warnings of a job's files, as the ledger counts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from funasr_fleet.contract.transcript import WarningKind

UNKNOWN_WARNINGS = "unknown"
"""Kind of warning of a file whose outcome was restored without its warnings, and of each warning
that Redis has lost. If the file of a lost warning is recorded again with that warning, the file
counts under both the kind of the warning and this kind."""

WARNINGS: tuple[str, ...] = (*get_args(WarningKind), UNKNOWN_WARNINGS)

WARNED = "warned"
"""Field of the job's hash: how many warnings of files were recorded."""


@dataclass(frozen=True, kw_only=True)
class WarningExample:
    """An example of the files with one kind of warning."""

    kind: str
    """A WarningKind, or UNKNOWN_WARNINGS."""
    index: int
    relative: str


def read_warnings(meta: Mapping[str, str], bits: Sequence[int]) -> dict[str, int]:
    """Files by kind of warning, the most frequent first.

    Args:
        meta: the job's hash.
        bits: number of files of each kind, in the order of WARNINGS.
    """
    counts = dict(zip(WARNINGS, bits, strict=True))
    counts[UNKNOWN_WARNINGS] += max(0, int(meta.get(WARNED, 0)) - sum(bits))
    found = ((kind, count) for kind, count in counts.items() if count)
    return dict(sorted(found, key=lambda one: (-one[1], one[0])))
