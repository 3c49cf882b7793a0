"""The workloads: jobs with their times, and the machines for them."""

import random
from dataclasses import dataclass

_HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class Day:
    """A workload for one fleet with one GPU per pod."""

    name: str
    jobs: tuple[tuple[float, float], ...]
    """For each job, the time of its submission and its audio, both in seconds."""
    most: int
    """Maximum number of GPUs."""
    rtfx: float = 500.0
    """Audio seconds per second of work of one GPU."""
    shard_s: float = 3000.0
    """Audio of one message: 50 files of a minute."""
    start_s: float = 300.0
    """From the request for a pod until it works: machine, image, models."""
    kills_per_hour: float = 0.0
    """How often a GPU is reclaimed without notice."""
    lasts_s: float = 0.0
    """Minimum duration; the day ends when all is done and no pod is left."""


def _ten_million(most: int, name: str = "ten million files", **other: float) -> Day:
    """Return a day with ten million 1-minute files, 166,667 hours."""
    return Day(name=f"{name}, {most} GPUs", jobs=((0.0, 10_000_000 * 60.0),), most=most, **other)


def _bursts() -> tuple[tuple[float, float], ...]:
    """Return twelve jobs of 50 to 5,000 hours at random times of a day; most are small."""
    chance = random.Random(5)
    times = sorted(chance.uniform(0, 24 * _HOUR_S) for _ in range(12))
    return tuple((at_s, 50 * 100 ** chance.random() ** 2 * _HOUR_S) for at_s in times)


DAYS = (
    Day(name="cold start: the first job, 2,000 hours", jobs=((0.0, 2_000 * _HOUR_S),), most=64),
    Day(name="bursts: twelve jobs in a day", jobs=_bursts(), most=64, lasts_s=24 * _HOUR_S),
    _ten_million(8),
    _ten_million(64),
    _ten_million(500),
    _ten_million(500, "spot, each killed every two hours", kills_per_hour=0.5),
    Day(
        name="half a million files of 5 s",
        jobs=((0.0, 500_000 * 5.0),),
        most=64,
        shard_s=250.0,
    ),
    Day(
        name="a slow model (RTFx 20), 500 hours",
        jobs=((0.0, 500 * _HOUR_S),),
        most=64,
        rtfx=20.0,
    ),
)
