"""Half an hour of mixed work in one child: memory must stay flat.

The samples, including broken and missing files, are transcribed repeatedly; the worker's log has
the memory of the child after each shard, and psutil measures its parent.
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
from funasr_fleet.embedded.samples import SAMPLES, load_samples
from funasr_fleet.producer.planning.packing import ShardLimits

MAX_GROWTH = 1.1
_FILES_PER_ROUND = 240
_SHARDS = ShardLimits(files=24)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Measurements after one round of the samples."""

    at_s: float
    """Seconds since the start of the first round."""
    files: int
    """Files of this round."""
    seconds: float
    """Processing time of the round's shards."""
    child_mib: int
    """The child's resident memory after its last shard."""
    parent_mib: int
    threads: int
    """Highest number of torch threads after a shard."""


@dataclass(frozen=True, kw_only=True)
class EnduranceResult:
    """The output of `python -m bench endurance --json`."""

    minutes: float
    files: int
    moments: list[Moment]
    machine: dict[str, object]

    @property
    def growth(self) -> float:
        """Median memory of the child in the last quarter, divided by that in the second quarter."""
        return _growth([moment.child_mib for moment in self.moments])

    @property
    def parent_growth(self) -> float:
        """Growth of the parent's memory, computed in the same way."""
        return _growth([moment.parent_mib for moment in self.moments])

    @property
    def flat(self) -> bool:
        """Whether neither memory nor the number of threads grew."""
        threads = {moment.threads for moment in self.moments}
        return max(self.growth, self.parent_growth) <= MAX_GROWTH and len(threads) == 1

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        verdict = {
            "growth": round(self.growth, 3),
            "parent_growth": round(self.parent_growth, 3),
            "flat": self.flat,
        }
        return json.dumps({**asdict(self), **verdict})

    def to_text(self) -> str:
        """Return the result as one sentence."""
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
    """Transcribe for this many minutes with one child."""
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
    work = bench.transcribe(audio, _SHARDS)
    (worker,) = bench.worker.run_dir.iterdir()  # the folder is named after the parent's pid
    return Moment(
        at_s=round(time.monotonic() - begin, 1),
        files=len(work.files),
        seconds=round(sum(shard["seconds"] for shard in work.shards), 1),
        child_mib=work.shards[-1]["resident_bytes"] >> 20,
        parent_mib=psutil.Process(int(worker.name)).memory_info().rss >> 20,
        threads=max(shard["threads_after"] for shard in work.shards),
    )
