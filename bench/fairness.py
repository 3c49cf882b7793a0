"""Time of a small job behind a very large one of the same priority, and alone."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.machine import describe_machine
from bench.work import running_bench
from funasr_fleet import cancel, enqueue, status
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.storage.s3 import S3Store

_AUDIO = "s3://audio/fairness/pin-code.wav"
_HUGE, _SMALL = 4_000, 40
_LIMITS = ShardLimits(files=10)
_DEADLINE_S = 600.0
_POLL_INTERVAL_S = 0.2


@dataclass(frozen=True, kw_only=True)
class FairnessResult:
    """The output of `python -m bench fairness --json`."""

    huge_files: int
    small_files: int
    alone_s: float
    """Time of the small job alone."""
    behind_s: float
    """Time of the small job, enqueued while the large one runs."""
    huge_files_meanwhile: int
    """Files of the large job that finished in that time."""
    huge_files_left: int
    """Files of the large job that would have come first in a single queue."""
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return the result as one sentence."""
        return (
            f"{self.small_files} files take {self.alone_s} s alone and {self.behind_s} s behind "
            f"{self.huge_files_left} others, {self.huge_files_meanwhile} of them done meanwhile"
        )


def run_fairness(directory: Path) -> FairnessResult:
    """Run the measurement with one worker child."""
    with running_bench(directory) as bench:
        bench.wait_until_ready()
        with (SAMPLES / "pin-code.wav").open("rb") as file:
            S3Store().upload(_AUDIO, file)
        alone_s = _until_done(_begin(directory, "warm", _SMALL))
        alone_s = _until_done(_begin(directory, "alone", _SMALL))
        huge = _begin(directory, "huge", _HUGE)
        _wait(huge, _SMALL)
        before = status(huge).counts.finished
        behind_s = _until_done(_begin(directory, "behind", _SMALL))
        after = status(huge).counts.finished
        cancel(huge)
    return FairnessResult(
        huge_files=_HUGE,
        small_files=_SMALL,
        alone_s=round(alone_s, 1),
        behind_s=round(behind_s, 1),
        huge_files_meanwhile=after - before,
        huge_files_left=_HUGE - before,
        machine=describe_machine(),
    )


def _begin(directory: Path, name: str, files: int) -> str:
    manifest = directory / f"{name}.jsonl"
    rows = ({"audio": _AUDIO, "id": f"{name}/{number}"} for number in range(files))
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = f"s3://transcripts/fairness/{name}/"
    return enqueue([str(manifest)], output=output, limits=_LIMITS, overwrite=True).job


def _until_done(job: str) -> float:
    begin = time.perf_counter()
    _wait(job, _SMALL)
    return time.perf_counter() - begin


def _wait(job: str, files: int) -> None:
    give_up = time.monotonic() + _DEADLINE_S
    while status(job).counts.finished < files:
        if time.monotonic() > give_up:
            raise TimeoutError(f"{job} is not done within {_DEADLINE_S:.0f} s")
        time.sleep(_POLL_INTERVAL_S)
