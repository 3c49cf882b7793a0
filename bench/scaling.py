"""Measures how time grows with the number of files and with their length; expected to be linear.

One child of a real worker; the time of a shard, including fetching and writing, from its log.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.long_audio import write_long_wav
from bench.machine import describe_machine
from bench.work import Bench, running_bench
from funasr_fleet.producer.planning.packing import ShardLimits

FILE_COUNTS = (10, 20, 40, 80, 160)
SHORT_MINUTES = 0.5
FILE_MINUTES = (5.0, 15.0, 30.0, 60.0, 120.0)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The fitted line: seconds = fixed_s + x * seconds_each."""

    fixed_s: float
    seconds_each: float
    r_squared: float
    """1 if all points are on the line."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Seconds at each size, in the fastest round."""

    unit: str
    sizes: list[float]
    seconds: list[float]
    fit: Fit


@dataclass(frozen=True, kw_only=True)
class ScalingResult:
    """The output of `python -m bench scaling --json`."""

    by_files: Growth
    """Growth with the number of 30 s files in one shard."""
    by_minutes: Growth
    """Growth with the minutes of a single file."""
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return one line per size and one per fit."""
        return "\n".join(map(_describe, (self.by_files, self.by_minutes)))


def _describe(growth: Growth) -> str:
    pairs = zip(growth.sizes, growth.seconds, strict=True)
    lines = [f"{size:6g} {growth.unit}: {seconds:6.2f} s" for size, seconds in pairs]
    fit = growth.fit
    line = f"{fit.fixed_s:.2f} s + {fit.seconds_each:.4f} s each, R2 = {fit.r_squared:.4f}"
    return "\n".join([*lines, line])


def run_scaling(directory: Path, rounds: int) -> ScalingResult:
    """Transcribe increasing numbers of files, and files of increasing length."""
    with running_bench(directory) as bench:
        bench.wait_until_ready()
        short = _upload(bench, directory, SHORT_MINUTES)
        long = [_upload(bench, directory, minutes) for minutes in FILE_MINUTES]
        _seconds(bench, [short] * FILE_COUNTS[0])  # warms up
        by_files, by_minutes = [], []
        for _ in range(rounds):
            by_files.append([_seconds(bench, [short] * count) for count in FILE_COUNTS])
            by_minutes.append([_seconds(bench, [one]) for one in long])
    return ScalingResult(
        by_files=growth_of("files", FILE_COUNTS, by_files),
        by_minutes=growth_of("minutes", FILE_MINUTES, by_minutes),
        machine=describe_machine(),
    )


def _upload(bench: Bench, directory: Path, minutes: float) -> str:
    path = directory / f"{minutes:g}-minutes.wav"
    write_long_wav(path, minutes)
    return bench.upload(path)


def _seconds(bench: Bench, audio: Sequence[str]) -> float:
    one_shard = ShardLimits(files=len(audio), total_bytes=1 << 40)
    (shard,) = bench.transcribe(audio, one_shard).shards
    return float(shard["seconds"])


def growth_of(unit: str, sizes: Sequence[float], rounds: Sequence[Sequence[float]]) -> Growth:
    """Return the growth over several rounds, each with the seconds at every size."""
    fastest = np.min(rounds, axis=0)
    each, fixed = np.polyfit(sizes, fastest, 1)
    missed = fastest - (fixed + each * np.array(sizes))
    return Growth(
        unit=unit,
        sizes=list(sizes),
        seconds=[round(float(one), 3) for one in fastest],
        fit=Fit(
            fixed_s=round(float(fixed), 3),
            seconds_each=round(float(each), 5),
            r_squared=round(float(1 - missed.var() / fastest.var()), 4),
        ),
    )
