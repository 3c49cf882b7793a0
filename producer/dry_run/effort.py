"""PURE: what a backlog would take: audio, time and cost as estimates with their bands."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from contract.ledger.values import WorkerSeen

DEFAULT_RTFX = 1000.0
"""Audio seconds per second of one device, until workers have measured their own. It is what two
CPU cores do with the demo model (docs/performance.md); no GPU has been measured there yet."""

_LEAST_WORK_MS = 60_000
"""Workers that worked for less say nothing about their speed."""

Basis = Literal["given", "measured", "assumed"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """An estimate and the band around it that holds the truth about 19 times in 20."""

    likely: float
    low: float
    high: float

    def times(self, factor: float) -> "Span":
        """The same in another unit."""
        return Span(likely=self.likely * factor, low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What a backlog is, as far as its listing and some headers tell."""

    files: int
    bytes: int
    """Of all files whose size is known."""
    files_of_unknown_size: int
    bad_rows: int
    bad_examples: list[str]
    """The first few."""
    sampled: int
    """Files whose header was looked at."""
    measured: int
    """Those of them that told their length."""
    known_ms: int
    """Part of the audio whose length the sources told."""
    typical_ms: int
    """Part of the audio guessed by typical rates alone; the band does not speak of its error."""
    audio_ms: Span
    bytes_per_second: dict[str, int]
    """Measured, by suffix."""
    gpus: int
    rtfx: float
    """Audio seconds per second of one GPU."""
    rtfx_basis: Basis
    gpu_hour_price: float | None

    @property
    def gpu_ms(self) -> Span:
        """Work of all GPUs together."""
        return self.audio_ms.times(1 / self.rtfx)

    @property
    def time_ms(self) -> Span:
        """From the first file to the last, when no GPU ever waits."""
        return self.gpu_ms.times(1 / self.gpus)

    @property
    def cost(self) -> Span | None:
        """In the currency of the price; None without one."""
        if self.gpu_hour_price is None:
            return None
        return self.gpu_ms.times(self.gpu_hour_price / 3_600_000)

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
    """Audio seconds per second of one worker child, from all that ever reported.

    None while they have worked for less than a minute together.
    """
    seen = list(workers)
    work_ms = sum(one.work_ms for one in seen)
    return sum(one.audio_ms for one in seen) / work_ms if work_ms >= _LEAST_WORK_MS else None


def choose_rtfx(given: float | None, workers: Iterable[WorkerSeen]) -> tuple[float, Basis]:
    """What was given, else what workers measured, else a guess; and which of them it is."""
    if given is not None:
        return given, "given"
    measured = measured_rtfx(workers)
    return (measured, "measured") if measured else (DEFAULT_RTFX, "assumed")


def _rounded(span: Span, digits: int | None = None) -> dict[str, float]:
    return {name: round(value, digits) for name, value in asdict(span).items()}
