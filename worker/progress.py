"""What a child is at, for the parent that must tell work from a hang.

The child beats at every step (bytes fetched, a block decoded, a batch recognised, a file written),
which leaves a small file in run_dir; the parent reads it and judges. Times are of the monotonic
clock, which all processes of a machine share.
"""

import json
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

_WRITE_EVERY_S = 0.5
_FILE_BYTES = 2048
"""Of the child's file, all of them from the start: a disk that fills up later must not matter."""
_MOST_CHARS = 300

SLOWEST_BYTES_PER_S = 100_000
"""Of a fetch; what is slower is taken for a hang in the end."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The last that a child said of the shard in its hands."""

    pid: int
    beginning: str
    """The name of this attempt; see worker.attempts."""
    began_s: float
    """When it took the shard."""
    at_s: float
    """When it last made a step."""
    credit_s: float
    """How long what it has done so far may have taken."""
    doing: str
    """The step, and the file where it belongs to one."""


class Configured(Protocol):
    """The settings, as far as they are about time."""

    @property
    def stall_s(self) -> float:
        """FLEET_STALL_S."""

    @property
    def min_rtfx(self) -> float:
        """FLEET_MIN_RTFX."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long work may take."""

    stall_s: float
    """Without any step."""
    min_rtfx: float
    """Slowest speed, in audio seconds per second."""

    @classmethod
    def of(cls, settings: Configured) -> "Patience":
        """What the settings say."""
        return cls(stall_s=settings.stall_s, min_rtfx=settings.min_rtfx)

    def for_audio(self, audio_s: float) -> float:
        """Seconds that work on so much audio may take."""
        return audio_s / self.min_rtfx

    def for_file(self, audio_s: float) -> float:
        """Seconds that a file of so much audio may take once it is fetched."""
        return self.stall_s + self.for_audio(audio_s)

    def for_shard(self, credit_s: float) -> float:
        """Seconds after which a shard is taken from a child that has so much credit."""
        return 2 * (self.stall_s + credit_s)


ENDLESS = Patience(stall_s=math.inf, min_rtfx=1.0)


class Beat(Protocol):
    """Hears of every step: what it is, and how long what was done by it may take in seconds."""

    def __call__(self, doing: str, credit_s: float = 0.0) -> None:
        """Take note."""


def unheard(doing: str, credit_s: float = 0.0) -> None:
    """For those whose steps nobody watches."""


def why_stopped(
    progress: Progress | None, now_s: float, since_s: float, patience: Patience
) -> str | None:
    """PURE: why the child must be taken for hung; None while it works.

    Args:
        progress: the last that it said; None when it has no shard.
        now_s: the time now.
        since_s: since when the worker and its broker are in touch: while they were not, a child
            may have waited for it.
        patience: how long work may take.
    """
    if progress is None:
        return None
    quiet_s = now_s - max(progress.at_s, since_s)
    if quiet_s > patience.stall_s:
        return f"no progress for {quiet_s:.0f} s since {progress.doing}"
    allowed_s = patience.for_shard(progress.credit_s)
    if now_s - max(progress.began_s, since_s) > allowed_s:
        return f"not done after {allowed_s:.0f} s, now at {progress.doing}"
    return None


class Heartbeat:
    """The child's side; every method may be called from any thread."""

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, pid: int | None = None
    ) -> None:
        """Make the file. Raises OSError."""
        self._clock = clock
        self._pid = os.getpid() if pid is None else pid
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        self._beginning = ""
        self._began_s: float | None = None
        self._credit_s = 0.0
        self._written_s = float("-inf")
        self._put("")

    def begin(self, shard: str, beginning: str) -> None:
        """A shard was taken; `beginning` is the name of the attempt."""
        with self._lock:
            self._beginning = beginning
            self._began_s, self._credit_s = self._clock(), 0.0
            self._say(f"the start of {shard}", self._began_s, self._began_s)

    def beat(self, doing: str, credit_s: float = 0.0) -> None:
        """A step was made, which may take so long."""
        with self._lock:
            self._credit_s += credit_s
            now = self._clock()
            if self._began_s is not None and now - self._written_s >= _WRITE_EVERY_S:
                self._say(doing, now, self._began_s)

    def end(self) -> None:
        """Nothing is in this child's hands any more."""
        with self._lock:
            self._began_s = None
            self._put("")

    def _say(self, doing: str, now: float, began_s: float) -> None:
        said = Progress(
            pid=self._pid,
            beginning=self._beginning,
            began_s=began_s,
            at_s=now,
            credit_s=round(self._credit_s, 3),
            doing=doing[:_MOST_CHARS],
        )
        self._put(json.dumps(asdict(said)))
        self._written_s = now

    def _put(self, text: str) -> None:
        # in place, in one write: readers see the old words or the new ones
        os.pwrite(self._fd, text.encode()[:_FILE_BYTES].ljust(_FILE_BYTES), 0)


def progress_path(run_dir: Path, slot: int) -> Path:
    """Where the child of a slot leaves it."""
    return run_dir / f"slot{slot}.progress"


def read_progress(run_dir: Path, slot: int, pid: int) -> Progress | None:
    """What this child of the slot last said; None when it has no shard.

    What an earlier child left behind when it was killed says nothing of this one.
    """
    try:
        said = Progress(**json.loads(progress_path(run_dir, slot).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return said if said.pid == pid else None
