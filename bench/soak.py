"""The seed of this project: the second long file must be as fast as the first.

One long file is transcribed again and again by one child of a real worker; the worker's own log
says how long each took, with how many torch threads, and how much memory it held.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.long_audio import write_long_wav
from bench.machine import describe_machine
from bench.work import Bench, Event, running_bench
from producer.packing import ShardLimits

MAX_SLOWEST_OVER_FASTEST = 1.3
MAX_MEMORY_GROWTH = 1.1
MOST_SERIES = 3


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
    """The most that the child ever held."""


@dataclass(frozen=True, kw_only=True)
class SoakResult:
    """What `python -m bench soak --json` prints."""

    audio_s: float
    runs: list[Run]
    earlier_series: list[float]
    """slowest/fastest of the series before this one, in the same child, that were not steady."""
    machine: dict[str, object]

    @property
    def slowest_over_fastest(self) -> float:
        """Over all runs but the first, which also warms up."""
        seconds = [run.seconds for run in self.runs[1:]]
        return max(seconds) / min(seconds)

    @property
    def memory_growth(self) -> float:
        """Resident memory after the last run over that after the second."""
        return self.runs[-1].resident_bytes / self.runs[1].resident_bytes

    @property
    def threads_constant(self) -> bool:
        """Whether every run found and left the same number of torch threads."""
        return len({t for run in self.runs for t in (run.threads_before, run.threads_after)}) == 1

    @property
    def steady(self) -> bool:
        """Whether the promise holds."""
        return (
            self.slowest_over_fastest <= MAX_SLOWEST_OVER_FASTEST
            and self.memory_growth <= MAX_MEMORY_GROWTH
            and self.threads_constant
        )

    def to_json(self) -> str:
        """One line."""
        verdict = {
            "slowest_over_fastest": round(self.slowest_over_fastest, 3),
            "memory_growth": round(self.memory_growth, 3),
            "threads_constant": self.threads_constant,
            "steady": self.steady,
        }
        return json.dumps({**asdict(self), **verdict})

    def to_text(self) -> str:
        """A line per run."""
        lines = [
            f"{number}: {run.seconds:6.1f} s  {run.rtfx:5.0f}x  {run.threads_after} threads  "
            f"{run.resident_bytes >> 20} MiB"
            for number, run in enumerate(self.runs, start=1)
        ]
        ratio = f"slowest/fastest of 2-{len(self.runs)}: {self.slowest_over_fastest:.2f}"
        peak = f"at most {self.runs[-1].peak_resident_bytes >> 20} MiB"
        lines += [f"an earlier series: {one:.2f}" for one in self.earlier_series]
        return "\n".join([*lines, f"{ratio}, memory x{self.memory_growth:.2f}, {peak}"])


def run_soak(directory: Path, repeats: int, minutes: float) -> SoakResult:
    """Transcribe a file of this length this many times in one child, each time as its own shard.

    A neighbour on the machine makes one series unsteady, a process that gets slower every one: an
    unsteady series is followed by others in the same child, up to MOST_SERIES in all.
    """
    with running_bench(directory) as bench:
        ready = bench.wait_until_ready()
        path = directory / "long.wav"
        write_long_wav(path, minutes)
        audio = [bench.upload(path)] * repeats
        result = _series(bench, audio, ready, [])
        while not result.steady and len(result.earlier_series) + 1 < MOST_SERIES:
            earlier = [*result.earlier_series, round(result.slowest_over_fastest, 3)]
            result = _series(bench, audio, ready, earlier)
    return result


def _series(bench: Bench, audio: list[str], ready: Event, earlier: list[float]) -> SoakResult:
    told = bench.transcribe(audio, ShardLimits(files=1))
    return SoakResult(
        audio_s=told.files[0]["audio_s"],
        runs=[
            _run(file, shard, ready) for file, shard in zip(told.files, told.shards, strict=True)
        ],
        earlier_series=earlier,
        machine=describe_machine(),
    )


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
