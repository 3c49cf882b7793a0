"""PURE: the frozen values that the ledger's reader returns, made from Redis replies."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from funasr_fleet.broker.ledger.file_warnings import WARNINGS, read_warnings
from funasr_fleet.broker.ledger.stored_fields import count_in, is_count, valid_fields
from funasr_fleet.contract.transcript import ErrorKind, Outcome

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)

PARTS = ("minutes", "latency", "shards", "windows", "reopened", "postponed", "failed_names")
"""Keys of a job besides its outcomes and kinds of failure."""

EXAMPLES_PER_KIND = 5
MS_PER_HOUR = 3_600_000
KEEP_S = 30 * 24 * 3600
"""Time that Redis keeps a job after its end or, if no producer opened it, after its last shard."""


@dataclass(frozen=True, kw_only=True)
class JobCounts:
    """The counters of a job, and values derived from them."""

    job: str
    output: str
    """Prefix of the outputs."""
    created_at: float
    """Seconds since the epoch."""
    published: bool
    """Whether every shard has been published; until then `files` still grows."""
    files: int
    """Files published, plus those that already had a result when the job was enqueued."""
    audio_ms: int
    """Audio processed so far."""
    outcomes: dict[Outcome, int]
    kinds: dict[ErrorKind, int] = field(default_factory=dict)
    """Failed files by kind; failures without a kind are left out."""
    warnings: dict[str, int] = field(default_factory=dict)
    """Transcribed files by kind of warning; see file_warnings."""
    estimated_ms: int = 0
    """Estimated audio of all enqueued files."""
    work_ms: int = 0
    """Time that worker children spent on its shards, repeated work included."""
    restored_ms: int = 0
    """Part of audio_ms restored from S3 when the ledger was rebuilt; it is not in work_ms."""
    rounds: int = 0
    """How often files were published again, outcomes were replaced, the job was reopened, or a
    shard of another client was started."""
    open_shards: int = 0
    """Shards that were started, or created by a split, and have not ended."""
    in_flight: int = 0
    """Unfinished files of shards that workers are processing."""
    begun_at: float | None = None
    """When a worker started the first shard, in seconds since the epoch."""
    cancelled_at: float | None = None
    """Seconds since the epoch."""
    closed_at: float | None = None
    """When its report was written to S3; seconds since the epoch."""
    queue: str = ""
    """The queue of its messages."""
    whole: bool = True
    """Whether Redis holds the whole plan of the job and every outcome that it counted. False after
    a loss of keys, and for a job of another client until its number of files is declared, or if
    files have no index."""
    declared: bool = False
    """Whether the job has no plan, and its client or `fleet close` declared the number of files."""
    unindexed: bool = False
    """Whether another client's job has files without an index. Their outcomes are not counted, so
    it is never known whether the job is complete."""

    @property
    def has_plan(self) -> bool:
        """Whether a producer opened the job."""
        return bool(self.created_at) and not self.declared

    @property
    def measured_ms(self) -> int:
        """Audio whose processing time is in work_ms."""
        return self.audio_ms - self.restored_ms

    @property
    def finished(self) -> int:
        """Files that have an outcome."""
        return sum(self.outcomes.values())

    @property
    def waiting(self) -> int:
        """Files without an outcome, including those in flight; 0 once the job is cancelled."""
        return 0 if self.cancelled_at else max(0, self.files - self.finished)

    @property
    def cancelled(self) -> int:
        """Files with the outcome `cancelled` and, in a cancelled job, those without any outcome."""
        missing = max(0, self.files - self.finished) if self.cancelled_at else 0
        return self.outcomes["cancelled"] + missing

    @property
    def complete(self) -> bool:
        """Whether the job is settled and no file is cancelled."""
        return self.settled and not self.cancelled

    @property
    def settled(self) -> bool:
        """Whether the plan is whole and published, and every file has an outcome.

        A cancelled job is settled when its plan is whole and no file is in flight. A declared job
        also has to be closed: a shard with more files than were declared may have been started.
        """
        is_known = bool(self.cancelled_at or not self.declared or self.closed_at)
        return self.ready_to_close and is_known

    @property
    def ready_to_close(self) -> bool:
        """Whether every indexed file has an outcome.

        A declared job waits for its open shards: they may contain more files than were declared.
        """
        if self.cancelled_at:
            return self.whole and self.in_flight == 0
        done = self.finished >= self.files and not (self.declared and self.open_shards)
        return self.whole and self.published and done

    @property
    def over(self) -> bool:
        """Whether the job is settled, or cancelled with no file in flight."""
        return self.in_flight == 0 if self.cancelled_at else self.settled


@dataclass(frozen=True, kw_only=True)
class Minute:
    """Files finished within one minute."""

    minute: int
    """Minutes since the epoch."""
    files: int = 0
    audio_ms: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class FileDetail:
    """Details of a finished file besides its outcome."""

    shard: str = ""
    output: str = ""
    """Prefix of the outputs of the job; stored if Redis has lost the job."""
    seconds: float | None = None
    """From start to commit."""
    kind: ErrorKind | None = None
    relative: str = ""
    name: str = ""  # of its outputs, if the file has a valid one
    message: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FailureExample:
    """An example of the files that failed with one kind of error."""

    kind: ErrorKind
    index: int
    relative: str
    message: str


_JOB_FIELDS = {"created_at", "output", "published"}
"""Fields of every job that a producer created."""


def read_counts(
    job: str, meta: Mapping[str, str], shards: Sequence[str], windows: int, *bits: int
) -> JobCounts | None:
    """The counters of a job; None when none of its keys exist.

    Args:
        job: its name.
        meta: its hash.
        shards: files in flight of each open shard; see JobCounts.
        windows: number of windows of its plan that are counted.
        bits: numbers of files by outcome, of failed files by kind, and of files by kind of warning.
    """
    outcomes, kinds = bits[: len(OUTCOMES)], bits[len(OUTCOMES) : -len(WARNINGS)]
    if not (meta or shards or windows or any(outcomes)):
        return None
    stored, meta = meta, valid_fields(meta)
    return JobCounts(
        job=job,
        output=meta.get("output", ""),
        created_at=float(meta.get("created_at", 0)),
        published=meta.get("published") == "1",
        files=max(int(meta.get("files", 0)), sum(outcomes)),
        audio_ms=int(meta.get("audio_ms", 0)),
        outcomes=dict(zip(OUTCOMES, outcomes, strict=True)),
        kinds={kind: count for kind, count in zip(KINDS, kinds, strict=True) if count},
        warnings=read_warnings(meta, bits[-len(WARNINGS) :]),
        estimated_ms=int(meta.get("estimated_ms", 0)),
        work_ms=int(meta.get("work_ms", 0)),
        restored_ms=int(meta.get("restored_ms", 0)),
        rounds=int(meta.get("rounds", 0)),
        open_shards=len(shards),
        in_flight=sum(max(0, count_in(left)) for left in shards),
        begun_at=_time(meta.get("begun_at")),
        cancelled_at=_time(meta.get("cancelled_at")),
        closed_at=_time(meta.get("closed_at")),
        queue=meta.get("queue", ""),
        whole=len(meta) == len(stored)
        and _is_whole(meta, windows, sum(outcomes))
        and "unindexed" not in meta,
        declared="declared" in meta,
        unindexed="unindexed" in meta,
    )


def _is_whole(meta: Mapping[str, str], windows: int, outcomes: int) -> bool:
    """Whether no outcome or counted window is lost and a published plan has all of its windows.

    Jobs of earlier releases have no number of windows; their cursor points past the last window.
    """
    if not meta.keys() >= _JOB_FIELDS or outcomes < int(meta.get("recorded", 0)):
        return False
    if "rebuilding" in meta or ("declared" in meta and outcomes > int(meta.get("files", 0))):
        return False
    if int(meta.get("windows_counted", windows)) != windows:
        return False  # a lost window that is planned again would be counted twice
    planned = int(meta.get("windows", meta.get("cursor_window", 0)))
    return meta["published"] != "1" or (windows == planned and (not windows or "files" in meta))


_MINUTE = re.compile(r"[fax][0-9]{1,9}")


def read_minutes(stored: Mapping[str, str]) -> list[Minute]:
    """Files finished in each minute, in order."""
    minutes: defaultdict[int, dict[str, int]] = defaultdict(dict)
    names = {"f": "files", "a": "audio_ms", "x": "failed"}
    for name, value in stored.items():
        if _MINUTE.fullmatch(name) and is_count(value):
            minutes[int(name[1:])][names[name[0]]] = int(value)
    return [Minute(minute=minute, **minutes[minute]) for minute in sorted(minutes)]


def _time(text: str | None) -> float | None:
    return None if text is None else float(text)
