"""What becomes of a backlog while it is enqueued."""

from collections.abc import Callable
from dataclasses import dataclass, field

_MOST_BAD_ROWS = 1000
"""So many are kept to be shown; all are counted."""


@dataclass(kw_only=True)
class EnqueueResult:
    """What became of a backlog."""

    job: str
    output: str
    queue: str = ""
    """Where its messages go; empty before that is known."""
    resumed: bool = False
    """Whether an earlier run of the same command was gone on with."""
    published_before: bool = False
    """Whether that one had come to its end, so that nothing was left to do."""
    files: int = 0
    """Files found, by earlier runs too, without bad rows."""
    skipped: int = 0
    """Files that have a current result already, or are known to be no audio."""
    enqueued: int = 0
    """Files published by this run."""
    shards: int = 0
    audio_s: float = 0.0
    """Audio of what was enqueued, as far as could be told without opening it."""
    empty: bool = False
    """Whether nothing was found: then there is no such job."""
    cancelled: bool = False
    """Whether somebody cancelled the job while it was published."""
    bad_rows: list[str] = field(default_factory=list)
    """The first of them."""
    bad_row_count: int = 0
    warnings: list[str] = field(default_factory=list)
    """Why the job may not be done as it was meant: by whom it waits to be taken, say."""

    def note(self, bad_row: str) -> None:
        """Count a row that is no reference, and keep it if there are few."""
        self.bad_row_count += 1
        if len(self.bad_rows) < _MOST_BAD_ROWS:
            self.bad_rows.append(bad_row)


Progress = Callable[[EnqueueResult, int | None], None]
"""Told how far it has come, and how many messages wait when there are too many."""
