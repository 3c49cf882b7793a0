"""Checks the original goal of this project: the second long file is as fast as the first.

One child of a real worker transcribes one long file repeatedly; the worker's log has the time, the
number of torch threads and the memory of each run.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.long_audio import write_long_wav
from bench.machine import describe_machine
from bench.work import Bench, Event, running_bench
from funasr_fleet.producer.planning.packing import ShardLimits

MAX_SLOWEST_OVER_FASTEST = 1.3
MAX_MEMORY_GROWTH = 1.1
MOST_SERIES = 5


@dataclass(frozen=True, kw_only=True)
class Run:
    """One transcription of the file."""

    seconds: float
    rtfx: float
    device: str
    threads_before: int
    threads_after: int
    resident_bytes: int
    peak_resident_bytes: int
    """Peak memory of the child."""


@dataclass(frozen=True, kw_only=True)
class SoakResult:
    """The output of `python -m bench soak --json`."""

    minutes: float
    """Length of the file."""
    series: list[list[Run]]
    """All series in the same child; every series except the last was not steady."""
    machine: dict[str, object]

    @property
    def runs(self) -> list[Run]:
        """Runs of all series."""
        return [run for series in self.series for run in series]

    @property
    def slowest_over_fastest(self) -> float:
        """Ratio in the last series; the first run of the child is a warm-up and is excluded."""
        seconds = [run.seconds for run in self.series[-1] if run is not self.runs[0]]
        return max(seconds) / min(seconds)

    @property
    def slowdown(self) -> float:
        """The fastest run of the last series divided by that of the first; 1 with one series."""
        first, last = (min(run.seconds for run in self.series[at]) for at in (0, -1))
        return last / first

    @property
    def memory_growth(self) -> float:
        """Resident memory after the last run divided by that after the second."""
        return self.runs[-1].resident_bytes / self.runs[1].resident_bytes

    @property
    def threads_constant(self) -> bool:
        """Whether every run started and ended with the same number of torch threads."""
        return len({t for run in self.runs for t in (run.threads_before, run.threads_after)}) == 1

    @property
    def steady(self) -> bool:
        """Whether time, memory and threads stayed constant."""
        return (
            max(self.slowest_over_fastest, self.slowdown) <= MAX_SLOWEST_OVER_FASTEST
            and self.memory_growth <= MAX_MEMORY_GROWTH
            and self.threads_constant
        )

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        verdict = {
            "slowest_over_fastest": round(self.slowest_over_fastest, 3),
            "slowdown": round(self.slowdown, 3),
            "memory_growth": round(self.memory_growth, 3),
            "threads_constant": self.threads_constant,
            "steady": self.steady,
        }
        return json.dumps({**asdict(self), **verdict})

    def to_text(self) -> str:
        """Return one line per run."""
        lines = [
            f"{number}: {run.seconds:6.1f} s  {run.rtfx:5.0f}x  {run.threads_after} threads  "
            f"{run.resident_bytes >> 20} MiB"
            for number, run in enumerate(self.runs, start=1)
        ]
        ratio = f"slowest/fastest of the last series: {self.slowest_over_fastest:.2f}"
        peak = f"at most {self.runs[-1].peak_resident_bytes >> 20} MiB"
        growth = (
            f"slower than the first series x{self.slowdown:.2f}, memory x{self.memory_growth:.2f}"
        )
        return "\n".join([*lines, ratio, f"{growth}, {peak}"])


def run_soak(directory: Path, repeats: int, minutes: float) -> SoakResult:
    """Transcribe a file of this length repeatedly in one child, each time as its own shard.

    Other load on the machine can make a series unsteady: it is then repeated in the same child, up
    to MOST_SERIES in all. A process that got slower stays slower, and fails by its slowdown.
    """
    with running_bench(directory) as bench:
        ready = bench.wait_until_ready()
        path = directory / "long.wav"
        write_long_wav(path, minutes)
        audio = [bench.upload(path)] * repeats
        series: list[list[Run]] = []
        while True:
            series.append(_series(bench, audio, ready))
            result = SoakResult(minutes=minutes, series=series, machine=describe_machine())
            if result.steady or len(series) == MOST_SERIES:
                return result


def _series(bench: Bench, audio: list[str], ready: Event) -> list[Run]:
    events = bench.transcribe(audio, ShardLimits(files=1))
    return [
        _run(file, shard, ready) for file, shard in zip(events.files, events.shards, strict=True)
    ]


def _run(file: Event, shard: Event, ready: Event) -> Run:
    return Run(
        seconds=round(shard["seconds"], 2),
        rtfx=round(file["audio_s"] / shard["seconds"], 1),
        device=ready["device"],
        threads_before=shard["threads_before"],
        threads_after=shard["threads_after"],
        resident_bytes=shard["resident_bytes"],
        peak_resident_bytes=shard["peak_resident_bytes"],
    )
