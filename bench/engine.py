"""Stock `AutoModel.generate` against our engine, alternating, on the same audio and threads."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from bench.loading import load_stock
from bench.machine import describe_machine
from bench.models import ModelName
from bench.sides import Heard, Recordings, fastest_batch, forward_alone, hear_ours, hear_stock
from worker.engine.funasr import FunasrEngine
from worker.planning.spans import SAMPLE_RATE


@dataclass(frozen=True, kw_only=True)
class EngineResult:
    """What `python -m bench engine --json` prints; speeds in audio seconds per second."""

    device: str
    model: str
    precision: str
    """Of ours; FunASR's own is fp32."""
    threads: int
    audio_s: float
    files: int
    stock_rtfx: float
    ours_rtfx: float
    ratio: float
    device_only_rtfx: float
    """The bound: features on the device already, the models' forward alone, in our batches."""
    fraction_of_device_only: float
    busy_ratio: float
    """Share of our time in which the models were at work."""
    stages_s: dict[str, float]
    """Our time by stage, in the median round; on a GPU they overlap."""
    segments_equal: bool
    text_equal: bool
    files_with_other_text: int
    stock_batch_size_s: int
    """The setting of FunASR's that was fastest."""
    rounds: int
    machine: dict[str, object]

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


def run_engine(
    engine: FunasrEngine, model: ModelName, recordings: Recordings, rounds: int
) -> EngineResult:
    """Let both sides hear the same, turn by turn."""
    detector, recogniser = load_stock(engine.identity.device, model)
    batch_size_s = fastest_batch(recogniser, recordings[:6])
    hear_ours(engine, recordings[:3])  # compiles what is compiled at first use
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(hear_stock(recogniser, recordings, batch_size_s))
        ours.append(hear_ours(engine, recordings))
    bounds = [forward_alone(engine, recordings) for _ in range(rounds)]
    stock_spans = [detector.generate(input=[one])[0]["value"] for one in recordings]
    median = sorted(ours, key=lambda one: one.seconds)[rounds // 2]
    audio_s = sum(map(len, recordings)) / SAMPLE_RATE
    return EngineResult(
        device=engine.identity.device,
        model=model,
        precision=engine.identity.precision,
        threads=torch.get_num_threads(),
        audio_s=round(audio_s, 1),
        files=len(recordings),
        stock_rtfx=round(audio_s / _median(theirs), 1),
        ours_rtfx=round(audio_s / _median(ours), 1),
        ratio=round(_median(theirs) / _median(ours), 2),
        device_only_rtfx=round(audio_s / statistics.median(bounds), 1),
        fraction_of_device_only=round(statistics.median(bounds) / _median(ours), 2),
        busy_ratio=round(median.busy_s / median.seconds, 3),
        stages_s=median.stages_s,
        segments_equal=stock_spans == median.spans_ms,
        text_equal=theirs[0].texts == median.texts,
        files_with_other_text=_differing(theirs[0], median),
        stock_batch_size_s=batch_size_s,
        rounds=rounds,
        machine=describe_machine(),
    )


def _median(sides: Sequence[Heard]) -> float:
    return statistics.median(side.seconds for side in sides)


def _differing(one: Heard, other: Heard) -> int:
    return sum(text != theirs for text, theirs in zip(one.texts, other.texts, strict=True))
