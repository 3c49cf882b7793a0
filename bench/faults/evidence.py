"""The state of a finished job, as frozen values."""

from dataclasses import dataclass, field
from typing import Any

from funasr_fleet.contract.transcript import ErrorKind, Outcome


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """State that must be empty once nothing runs."""

    waiting: int = 0
    """Messages in the queue's lists."""
    unacked: tuple[str, ...] = ()
    """Delivery tags in the unacked hash."""
    leases: tuple[str, ...] = ()
    """Delivery tags in unacked_index."""
    claims: tuple[str, ...] = ()
    """Keys of shard locks."""
    open_shards: tuple[str, ...] = ()
    """Shards of the job that have not ended, according to the ledger."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The documents in `_jobs/<job>/`."""

    report: dict[str, Any] | None = None
    """report.json; None if it is missing."""
    failed: tuple[int, ...] = ()
    """Indexes in failures.jsonl, in its order."""
    success: bool = False
    """Whether _SUCCESS exists."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The input of the audit."""

    job: str
    planned: dict[int, str]
    """Index -> name of each planned file."""
    results: frozenset[str] = frozenset()
    """Names of files with a complete and matching .json."""
    errors: dict[str, ErrorKind] = field(default_factory=dict)
    """File name -> error kind, for files with a complete and matching .error.json."""
    torn: tuple[str, ...] = ()
    """Outputs that do not parse, or belong to another file."""
    strays: tuple[str, ...] = ()
    """Objects below the output prefix that belong to no result."""
    bitmaps: dict[Outcome, frozenset[int]] = field(default_factory=dict)
    """Files by outcome, according to the ledger."""
    minute_files: int = 0
    """Sum of the files in the throughput of all minutes."""
    dead: dict[str, str] = field(default_factory=dict)
    """File name -> reason, for files in dead letters."""
    ending: Ending = Ending()
    leftovers: Leftovers = Leftovers()
