"""What a job left behind, as frozen values."""

from dataclasses import dataclass, field
from typing import Any

from contract.transcript import ErrorKind, Outcome


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What must be nowhere once nothing is at work."""

    waiting: int = 0
    """Messages in the queue's lists."""
    unacked: tuple[str, ...] = ()
    """Delivery tags that somebody holds."""
    leases: tuple[str, ...] = ()
    """Delivery tags in unacked_index."""
    claims: tuple[str, ...] = ()
    """Keys of shards that somebody works on."""
    open_shards: tuple[str, ...] = ()
    """Shards of the job that have not ended, as the ledger has it."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What lies in `_jobs/<job>/`."""

    report: dict[str, Any] | None = None
    """report.json; None when it is not there."""
    failed: tuple[int, ...] = ()
    """Indexes in failures.jsonl, in its order."""
    success: bool = False
    """Whether _SUCCESS is there."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that the audit looks at."""

    job: str
    planned: dict[int, str]
    """Name of each file by its index."""
    results: frozenset[str] = frozenset()
    """Names of files with a .json that is whole and their own."""
    errors: dict[str, ErrorKind] = field(default_factory=dict)
    """Names of files with an .error.json that is whole and their own, and why they failed."""
    torn: tuple[str, ...] = ()
    """Outputs that do not parse, or tell of another file."""
    strays: tuple[str, ...] = ()
    """Objects below the output prefix that belong to no result."""
    bitmaps: dict[Outcome, frozenset[int]] = field(default_factory=dict)
    """Files by outcome, as the ledger has it."""
    minute_files: int = 0
    """Files in the throughput of all minutes together."""
    dead: dict[str, str] = field(default_factory=dict)
    """Why, by name of each file in a dead letter."""
    ending: Ending = Ending()
    leftovers: Leftovers = Leftovers()
