"""Half an hour of mixed work in one child: memory must stay flat.

The samples, broken and missing ones among them, are transcribed again and again; the worker's own
log says what the child held after each shard, and psutil what its parent held.
"""

import itertools
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bench.machine import describe_machine
from bench.work import Bench, running_bench
from local.samples import SAMPLES, load_samples
from producer.planning.packing import ShardLimits

MAX_GROWTH = 1.1
_FILES_PER_ROUND = 240
_SHARDS = ShardLimits(files=24)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What was seen after one round of the samples."""

    at_s: float
    """Since the first round began."""
    files: int
    """Of this round."""
    seconds: float
    """Work on the round's shards."""
    child_mib: int
    """The child's resident memory after its last shard."""
    parent_mib: int
    threads: int
    """The most torch threads after a shard."""


@dataclass(frozen=True, kw_only=True)
class EnduranceResult:
    """What `python -m bench endurance --json` prints."""

    minutes: float
    files: int
    moments: list[Moment]
    machine: dict[str, object]

    @property
    def growth(self) -> float:
        """Median of what the child held in the last quarter over that in the second."""
        return _growth([moment.child_mib for moment in self.moments])

    @property
    def parent_growth(self) -> float:
        """The same of the parent."""
        return _growth([moment.parent_mib for moment in self.moments])

    @property
    def flat(self) -> bool:
        """Whether nothing grew."""
        threads = {moment.threads for moment in self.moments}
        return max(self.growth, self.parent_growth) <= MAX_GROWTH and len(threads) == 1

    def to_json(self) -> str:
        """One line."""
        verdict = {
            "growth": round(self.growth, 3),
            "parent_growth": round(self.parent_growth, 3),
            "flat": self.flat,
        }
        return json.dumps({**asdict(self), **verdict})

    def to_text(self) -> str:
        """One sentence."""
        last = self.moments[-1]
        return (
            f"{self.files} files in {self.minutes:.1f} min: the child holds {last.child_mib} MiB "
            f"(x{self.growth:.2f}), its parent {last.parent_mib} MiB (x{self.parent_growth:.2f})"
        )


def _growth(mebibytes: list[int]) -> float:
    quarter = max(1, len(mebibytes) // 4)
    early = mebibytes[quarter : 2 * quarter] or mebibytes[:1]
    return statistics.median(mebibytes[-quarter:]) / statistics.median(early)


def run_endurance(directory: Path, minutes: float) -> EnduranceResult:
    """Work for so long on one child."""
    with running_bench(directory) as bench:
        bench.wait_until_ready()
        uris = [bench.upload(SAMPLES / sample.name) for sample in load_samples()]
        uris.append("s3://audio/bench/missing.wav")
        audio = list(itertools.islice(itertools.cycle(uris), _FILES_PER_ROUND))
        begin, moments = time.monotonic(), list[Moment]()
        while time.monotonic() - begin < 60 * minutes:
            moments.append(_round(bench, audio, begin))
        spent_s = time.monotonic() - begin
    return EnduranceResult(
        minutes=round(spent_s / 60, 1),
        files=_FILES_PER_ROUND * len(moments),
        moments=moments,
        machine=describe_machine(),
    )


def _round(bench: Bench, audio: list[str], begin: float) -> Moment:
    told = bench.transcribe(audio, _SHARDS)
    (worker,) = bench.worker.run_dir.iterdir()  # its folder is named after the parent
    return Moment(
        at_s=round(time.monotonic() - begin, 1),
        files=len(told.files),
        seconds=round(sum(shard["seconds"] for shard in told.shards), 1),
        child_mib=told.shards[-1]["resident_bytes"] >> 20,
        parent_mib=psutil.Process(int(worker.name)).memory_info().rss >> 20,
        threads=max(shard["threads_after"] for shard in told.shards),
    )
