"""What a child is at, for the parent that must tell work from a hang.

The child beats at every step (a block decoded, a batch recognised, a file written), which leaves a
small file in run_dir; the parent reads it and judges. Times are of the monotonic clock, which all
processes of a machine share.
"""

import contextlib
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


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The last that a child said of the shard in its hands."""

    pid: int
    began_s: float
    """When it took the shard."""
    at_s: float
    """When it last made a step."""
    audio_s: float
    """Audio of the shard that was decoded so far, in seconds."""
    doing: str
    """The step, and the file where it belongs to one."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long work may take."""

    stall_s: float
    """Without any step."""
    min_rtfx: float
    """Slowest speed, in audio seconds per second."""

    def for_file(self, audio_s: float) -> float:
        """Seconds that a file of so much audio may take."""
        return self.stall_s + audio_s / self.min_rtfx

    def for_shard(self, audio_s: float) -> float:
        """Seconds after which a shard with so much audio is taken from its child."""
        return 2 * self.for_file(audio_s)


ENDLESS = Patience(stall_s=math.inf, min_rtfx=1.0)


class Beat(Protocol):
    """Hears of every step: what it is, and how much more audio is decoded by it, in seconds."""

    def __call__(self, doing: str, audio_s: float = 0.0) -> None:
        """Take note."""


def unheard(doing: str, audio_s: float = 0.0) -> None:
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
        return f"no progress for {quiet_s:.0f} s at {progress.doing}"
    allowed_s = patience.for_shard(progress.audio_s)
    if now_s - max(progress.began_s, since_s) > allowed_s:
        return f"not done after {allowed_s:.0f} s at {progress.doing}"
    return None


class Heartbeat:
    """The child's side; every method may be called from any thread."""

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, pid: int | None = None
    ) -> None:
        self._path = path
        self._clock = clock
        self._pid = os.getpid() if pid is None else pid
        self._lock = threading.Lock()
        self._began_s: float | None = None
        self._audio_s = 0.0
        self._written_s = float("-inf")

    def begin(self, shard: str) -> None:
        """A shard was taken."""
        with self._lock:
            self._began_s, self._audio_s = self._clock(), 0.0
            self._write(f"the start of {shard}", self._began_s)

    def beat(self, doing: str, audio_s: float = 0.0) -> None:
        """A step was made, by which so many more seconds of audio are decoded."""
        with self._lock:
            self._audio_s += audio_s
            now = self._clock()
            if self._began_s is not None and now - self._written_s >= _WRITE_EVERY_S:
                self._write(doing, now)

    def end(self) -> None:
        """Nothing is in this child's hands any more."""
        with self._lock:
            self._began_s = None
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _write(self, doing: str, now: float) -> None:
        assert self._began_s is not None  # noqa: S101 - both callers saw to it
        said = Progress(
            pid=self._pid,
            began_s=self._began_s,
            at_s=now,
            audio_s=self._audio_s,
            doing=doing,
        )
        draft = self._path.with_suffix(".tmp")
        with contextlib.suppress(OSError):  # a full disk is no reason to stop
            draft.write_text(json.dumps(asdict(said)))
            draft.replace(self._path)
            self._written_s = now


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
