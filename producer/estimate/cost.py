"""PURE: estimates of audio, time and cost of a backlog, with error bands."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from funasr_fleet.broker.ledger.values import MS_PER_HOUR
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen

DEFAULT_RTFX = 1000.0
"""Audio seconds per second of one device, used until workers have measured their own. Measured on
two CPU cores with the demo model (docs/performance.md); no GPU has been measured there yet."""

_LEAST_WORK_MS = 60_000
"""Minimum total work of the workers for a usable measurement."""

Basis = Literal["given", "measured", "assumed"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """An estimate with its error band of about 95 % confidence."""

    likely: float
    low: float
    high: float

    def times(self, factor: float) -> "Span":
        """The estimate and its band, multiplied by a factor."""
        return Span(likely=self.likely * factor, low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """The estimate of a backlog, from its listing and a sample of file headers."""

    files: int
    bytes: int
    """Total size of all files whose size is known."""
    files_of_unknown_size: int
    bad_rows: int
    bad_examples: list[str]
    """The first invalid rows."""
    ignored: dict[str, int]
    """Number of ignored objects and files by suffix; see EnqueueResult.ignored."""
    empty_files: int
    """Files of 0 bytes; they will fail."""
    sampled: int
    """Files whose header was read."""
    measured: int
    """Sampled files whose header gave a duration."""
    known_ms: int
    """Part of the audio whose duration the sources gave."""
    typical_ms: int
    """Part of the audio estimated from typical rates only; the band does not cover its error."""
    audio_ms: Span
    bytes_per_second: dict[str, int]
    """Measured rates, by suffix."""
    gpus: int
    rtfx: float
    """Audio seconds per second of one GPU."""
    rtfx_basis: Basis
    gpu_hour_price: float | None

    @property
    def gpu_ms(self) -> Span:
        """Total work of all GPUs."""
        return self.audio_ms.times(1 / self.rtfx)

    @property
    def time_ms(self) -> Span:
        """Elapsed time from the first file to the last, if all GPUs are always busy."""
        return self.gpu_ms.times(1 / self.gpus)

    @property
    def cost(self) -> Span | None:
        """Cost in the currency of the price; None without a price."""
        if self.gpu_hour_price is None:
            return None
        return self.gpu_ms.times(self.gpu_hour_price / MS_PER_HOUR)

    def to_json(self) -> dict[str, Any]:
        """The document of `fleet enqueue --dry-run --json`; times in whole ms."""
        cost = self.cost
        return {
            **asdict(self),
            "audio_ms": _rounded(self.audio_ms),
            "gpu_ms": _rounded(self.gpu_ms),
            "time_ms": _rounded(self.time_ms),
            "cost": None if cost is None else _rounded(cost, 2),
        }


def measured_rtfx(workers: Iterable[WorkerSeen]) -> float | None:
    """Audio seconds per second of one worker child, over all children that ever reported.

    None while their total work is below one minute.
    """
    seen = list(workers)
    work_ms = sum(one.work_ms for one in seen)
    return sum(one.audio_ms for one in seen) / work_ms if work_ms >= _LEAST_WORK_MS else None


def choose_rtfx(given: float | None, workers: Iterable[WorkerSeen]) -> tuple[float, Basis]:
    """(RTFx, its basis): the given value, else the workers' measurement, else DEFAULT_RTFX."""
    if given is not None:
        return given, "given"
    measured = measured_rtfx(workers)
    return (measured, "measured") if measured else (DEFAULT_RTFX, "assumed")


def _rounded(span: Span, digits: int | None = None) -> dict[str, float]:
    return {name: round(value, digits) for name, value in asdict(span).items()}
