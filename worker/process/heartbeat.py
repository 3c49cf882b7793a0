"""The heartbeat of a child. It lets the parent distinguish progress from a hang.

The child touches its heartbeat at every step (bytes fetched, a block decoded, a batch recognised, a
file written), which updates a small file in run_dir. The parent reads the file. Times are of the
monotonic clock, which all processes of a machine share.
"""

import io
import json
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.worker.events import Event, Observer

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from funasr_fleet.settings import Settings

_WRITE_EVERY_S = 0.5
_FILE_BYTES = 2048
"""Fixed size of the progress file, so that a disk that fills up later does not matter."""
_MAX_CHARS = 130
"""Length of a step; a character, such as an emoji, may take 12 bytes of the file."""

SLOWEST_BYTES_PER_S = 100_000
"""Minimum speed of a fetch; a slower one exceeds the time allowance in the end."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress file of a child that is processing a shard."""

    pid: int
    attempt_id: str
    """ID of the attempt that worker.coordination.attempts counts."""
    began_s: float
    """When the child started the shard."""
    at_s: float
    """When the last step was recorded."""
    time_allowance_s: float
    """How long the steps so far may take in total."""
    doing: str
    """The last step, with the name of its file if it has one."""


@dataclass(frozen=True, kw_only=True)
class TimeLimits:
    """Maximum duration of work."""

    stall_s: float
    """Maximum time between two steps."""
    min_rtfx: float
    """Minimum speed, in audio seconds per second."""

    @classmethod
    def of(cls, settings: "Settings") -> "TimeLimits":
        """The limits in the settings."""
        return cls(stall_s=settings.stall_s, min_rtfx=settings.min_rtfx)

    def for_audio(self, audio_s: float) -> float:
        """Return the seconds that this much audio may take."""
        return audio_s / self.min_rtfx

    def for_file(self, audio_s: float) -> float:
        """Return the seconds that a file with this much audio may take once it is fetched."""
        return self.stall_s + self.for_audio(audio_s)

    def for_shard(self, time_allowance_s: float) -> float:
        """Return the seconds that a shard may take, given the time allowance of its steps."""
        return 2 * (self.stall_s + time_allowance_s)


NO_LIMITS = TimeLimits(stall_s=math.inf, min_rtfx=1.0)


class Touch(Protocol):
    """Called at every step with its description and the seconds that the step may take."""

    def __call__(self, doing: str, time_allowance_s: float = 0.0) -> None:
        """Record the step."""


def stall_reason(
    progress: Progress | None, now_s: float, since_s: float, limits: TimeLimits
) -> str | None:
    """PURE: return why a child is considered hung; None while it makes progress.

    Args:
        progress: the child's progress file; None when it has no shard.
        now_s: the current time.
        since_s: when the worker connected to the broker. Earlier time is not counted: the child
            may have waited for the broker.
        limits: maximum duration of work.
    """
    if progress is None:
        return None
    quiet_s = now_s - max(progress.at_s, since_s)
    if quiet_s > limits.stall_s:
        return f"no progress for {quiet_s:.0f} s, last step: {progress.doing}"
    allowed_s = limits.for_shard(progress.time_allowance_s)
    if now_s - max(progress.began_s, since_s) > allowed_s:
        return f"not finished after {allowed_s:.0f} s, last step: {progress.doing}"
    return None


class Heartbeat:
    """Writes a child's progress file; every method may be called from any thread."""

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, pid: int | None = None
    ) -> None:
        """Create the file. Raises OSError."""
        self._clock = clock
        self._pid = os.getpid() if pid is None else pid
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        self._attempt_id = ""
        self._began_s: float | None = None
        self._time_allowance_s = 0.0
        self._written_s = float("-inf")
        self._put("")

    def begin(self, shard: str, attempt_id: str) -> None:
        """Record the start of a shard."""
        with self._lock:
            self._attempt_id = attempt_id
            self._began_s, self._time_allowance_s = self._clock(), 0.0
            self._write(f"start of {shard}", self._began_s, self._began_s)

    def touch(self, doing: str, time_allowance_s: float = 0.0) -> None:
        """Record a step and add the seconds that it may take to the shard's allowance.

        The file is written at most every half second, and only between begin() and end().
        """
        with self._lock:
            self._time_allowance_s += time_allowance_s
            now = self._clock()
            if self._began_s is not None and now - self._written_s >= _WRITE_EVERY_S:
                self._write(doing, now, self._began_s)

    def end(self) -> None:
        """Record that the child has no shard."""
        with self._lock:
            self._began_s = None
            self._put("")

    def _write(self, doing: str, now: float, began_s: float) -> None:
        progress = Progress(
            pid=self._pid,
            attempt_id=self._attempt_id,
            began_s=began_s,
            at_s=now,
            time_allowance_s=round(self._time_allowance_s, 3),
            doing=doing[:_MAX_CHARS],
        )
        self._put(json.dumps(asdict(progress)))
        self._written_s = now

    def _put(self, text: str) -> None:
        # in place and in one write: readers see the old content or the new one
        os.pwrite(self._fd, text.encode()[:_FILE_BYTES].ljust(_FILE_BYTES), 0)


def progress_path(run_dir: Path, slot: int) -> Path:
    """Return the path of a slot's progress file."""
    return run_dir / f"slot{slot}.progress"


def read_progress(run_dir: Path, slot: int, pid: int) -> Progress | None:
    """Read the progress of this child of the slot; None when it has no shard.

    A file that an earlier child of the slot left behind is ignored.
    """
    try:
        progress = Progress(**json.loads(progress_path(run_dir, slot).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return progress if progress.pid == pid else None


_REQUEST_ALLOWANCE_S = 5.0
"""Time allowance of one request."""


def touch_on_request(store: ObjectStore, touch: Touch) -> ObjectStore:
    """Wrap the store so that `touch` is called before each request."""
    return cast(ObjectStore, HeartbeatStore(store, touch))


class HeartbeatStore:
    """Forwards every method to an object store, and touches the heartbeat before each call.

    The touch names the method and its first argument, usually an address, if there is one.
    """

    def __init__(self, store: ObjectStore, touch: Touch) -> None:
        self._store = store
        self._touch = touch

    def __getattr__(self, name: str) -> Callable[..., object]:
        request: Callable[..., object] = getattr(self._store, name)

        def touched(*arguments: object, **named: object) -> object:
            self._touch(" of ".join((name, *map(str, arguments[:1]))), _REQUEST_ALLOWANCE_S)
            return request(*arguments, **named)

        return touched


def with_heartbeat(heartbeat: Heartbeat, observe: Observer) -> Observer:
    """Wrap an observer so that every event also touches the heartbeat."""

    def observed(event: Event) -> None:
        heartbeat.touch(type(event).__name__)
        observe(event)

    return observed


class HeartbeatFile(io.BufferedRandom):
    """A temporary file that touches the heartbeat at every write."""

    def __init__(self, touch: Callable[[float], None]) -> None:
        """Create the file; `touch` is passed the seconds that the written bytes may take."""
        raw = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the buffer over it
        super().__init__(cast(io.RawIOBase, raw))
        self._touch = touch

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write the data, and extend the shard's time allowance accordingly."""
        self._touch(memoryview(data).nbytes / SLOWEST_BYTES_PER_S)
        return super().write(data)
