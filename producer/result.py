"""The result of `enqueue`, and the callback that reports its progress."""

from collections.abc import Callable
from dataclasses import dataclass, field

_MAX_BAD_ROWS = 1000
"""Maximum number of invalid rows kept in the result; all of them are counted."""


@dataclass(kw_only=True)
class EnqueueResult:
    """Counts and warnings of one `enqueue` call."""

    job: str
    output: str
    queue: str = ""
    """Queue of the job's messages; empty until it is selected."""
    resumed: bool = False
    """Whether this run resumed a job that an earlier run started."""
    published_before: bool = False
    """Whether the earlier run had published the whole job, so that nothing was left to do."""
    files: int = 0
    """Files found, including those of earlier runs, excluding invalid rows."""
    skipped: int = 0
    """Files that have an up-to-date result, or audio known to be undecodable or too short."""
    enqueued: int = 0
    """Files published by this run."""
    shards: int = 0
    audio_s: float = 0.0
    """Estimated audio of the enqueued files, in seconds; files are not opened for it."""
    empty: bool = False
    """Whether the sources held no file; no job exists in this case."""
    cancelled: bool = False
    """Whether the job was cancelled while it was published."""
    bad_rows: list[str] = field(default_factory=list)
    """The first invalid rows, up to 1,000."""
    bad_row_count: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    """Number of objects and files of prefixes and folders whose names do not count as audio, by
    suffix, the most frequent first. At most 100 suffixes are counted separately; the rest are
    counted as `others`."""
    warnings: list[str] = field(default_factory=list)
    """Reasons why the job may wait or run on another model than expected, and unfinished jobs with
    the same output."""

    def note(self, bad_row: str) -> None:
        """Count an invalid row, and keep it unless the maximum is reached."""
        self.bad_row_count += 1
        if len(self.bad_rows) < _MAX_BAD_ROWS:
            self.bad_rows.append(bad_row)


ProgressCallback = Callable[[EnqueueResult, int | None], None]
"""Called with the result so far and, while back-pressure pauses publishing, the number of ready
messages; None otherwise."""
