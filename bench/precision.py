"""Compares the text of the same clips in each precision, clip by clip."""

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.loading import Device, load_engine
from bench.machine import describe_machine
from bench.mixed_audio import make_recordings
from bench.models import ModelName
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.interface import Clip, Hints, find_speech
from funasr_fleet.worker.text.segments import Recognition

EXACT = "fp32"


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Results for one precision."""

    other_texts: int
    """Clips whose text differs from fp32."""
    other_times: int
    """Clips with the same text, but a different time of some word."""
    seconds: float
    """Median time."""


@dataclass(frozen=True, kw_only=True)
class PrecisionResult:
    """The output of `python -m bench precision --json`."""

    device: str
    model: str
    clips: int
    speech_s: float
    by_precision: dict[str, Recognised]
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return one line per precision."""
        return "\n".join(
            f"{name}: {one.other_texts} of {self.clips} clips with another text, "
            f"{one.other_times} with other times; {one.seconds} s"
            for name, one in self.by_precision.items()
        )


def run_precision(device: Device, model: ModelName, hours: float, rounds: int) -> PrecisionResult:
    """Recognise the same clips in fp32, bf16 and fp16, in turns."""
    engines = {name: load_engine(device, model, name, 0) for name in (EXACT, "bf16", "fp16")}
    recordings = make_recordings(hours)
    clips = [clip for one in recordings for clip in find_speech(engines[EXACT].start_vad(), one)]
    recognitions = {name: engine.recognise(clips, Hints()) for name, engine in engines.items()}
    turns = [{name: _seconds(one, clips) for name, one in engines.items()} for _ in range(rounds)]
    return PrecisionResult(
        device=engines[EXACT].identity.device,
        model=model,
        clips=len(clips),
        speech_s=round(sum(clip.seconds for clip in clips), 1),
        by_precision={
            name: _compare(
                some, recognitions[EXACT], statistics.median(turn[name] for turn in turns)
            )
            for name, some in recognitions.items()
        },
        machine=describe_machine(),
    )


def _seconds(engine: FunasrEngine, clips: Sequence[Clip]) -> float:
    begin = time.perf_counter()
    engine.recognise(clips, Hints())
    return time.perf_counter() - begin


def _compare(
    recognitions: Sequence[Recognition], exact: Sequence[Recognition], seconds: float
) -> Recognised:
    pairs = list(zip(recognitions, exact, strict=True))
    return Recognised(
        other_texts=sum(one.text != other.text for one, other in pairs),
        other_times=sum(one != other for one, other in pairs if one.text == other.text),
        seconds=round(seconds, 2),
    )
