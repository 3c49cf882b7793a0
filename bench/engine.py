"""Compares FunASR's `AutoModel.generate` with our engine in turns, on the same audio."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from bench.loading import load_stock
from bench.machine import describe_machine
from bench.models import ModelName
from bench.sides import (
    Recordings,
    Transcribed,
    fastest_batch,
    forward_alone,
    transcribe_ours,
    transcribe_stock,
)
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.text.spans import SAMPLE_RATE


@dataclass(frozen=True, kw_only=True)
class EngineResult:
    """What `python -m bench engine --json` prints; speeds are audio seconds per second."""

    device: str
    model: str
    precision: str
    """Precision of our engine; FunASR's own is fp32."""
    threads: int
    audio_s: float
    files: int
    stock_rtfx: float
    ours_rtfx: float
    ratio: float
    device_only_rtfx: float
    """Upper bound: the models' forward passes only, with precomputed features, in our batches."""
    fraction_of_device_only: float
    busy_ratio: float
    """Share of our time in which the models ran."""
    stages_s: dict[str, float]
    """Our time per stage in the median round; on a GPU the stages overlap."""
    segments_equal: bool
    text_equal: bool
    files_with_other_text: int
    stock_batch_size_s: int
    """FunASR's fastest batch size."""
    rounds: int
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))


def run_engine(
    engine: FunasrEngine, model: ModelName, recordings: Recordings, rounds: int
) -> EngineResult:
    """Transcribe the same recordings with both engines, in turns."""
    detector, recogniser = load_stock(engine.identity.device, model)
    batch_size_s = fastest_batch(recogniser, recordings[:6])
    transcribe_ours(engine, recordings[:3])  # triggers compilation at first use
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(transcribe_stock(recogniser, recordings, batch_size_s))
        ours.append(transcribe_ours(engine, recordings))
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


def _median(sides: Sequence[Transcribed]) -> float:
    return statistics.median(side.seconds for side in sides)


def _differing(one: Transcribed, other: Transcribed) -> int:
    return sum(text != theirs for text, theirs in zip(one.texts, other.texts, strict=True))
