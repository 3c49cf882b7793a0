"""Stock `AutoModel.generate` against our engine, alternating, on the same audio and threads."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import funasr
import numpy as np
import torch
from numpy.typing import NDArray

from bench.machine import describe_machine
from bench.mixed_audio import make_recordings
from contract.settings import Settings
from models import DEMO_ASR, DEMO_VAD
from worker.engine.build import build_engine
from worker.engine.fast.detector import FastDetector
from worker.engine.fast.recogniser import FastRecogniser, fast_firing
from worker.engine.funasr import FunasrEngine
from worker.engine.interface import Hints, Sound
from worker.machine import usable_cores
from worker.pinning import plan_slot
from worker.planning.spans import SAMPLE_RATE
from worker.planning.words import join_texts, split_words

Recordings = Sequence[NDArray[np.float32]]
Heard = list[str]
"""The text of each recording."""


@dataclass(frozen=True, kw_only=True)
class EngineResult:
    """What `python -m bench engine --json` prints; speeds in audio seconds per second."""

    device: str
    model: str
    threads: int
    audio_s: float
    files: int
    stock_rtfx: float
    ours_rtfx: float
    ratio: float
    device_only_rtfx: float
    """The bound: features on the device already, the models' forward alone, in our batches."""
    fraction_of_device_only: float
    stages_s: dict[str, float]
    """Our time by stage, in the median round."""
    segments_equal: bool
    text_equal: bool
    stock_batch_size_s: int
    """The setting of FunASR's that was fastest."""
    rounds: int
    machine: dict[str, object]

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


def run_engine(hours: float, rounds: int) -> EngineResult:
    """Compare on the CPU with the demo model."""
    plan = plan_slot(0, ["cpu"], usable_cores(), "auto")
    engine = build_engine(Settings(model="demo"), plan)
    quiet = {"disable_update": True, "disable_pbar": True, "disable_log": True}
    where = {"device": plan.device, "ncpu": plan.threads}
    stock = funasr.AutoModel(model=str(DEMO_ASR), vad_model=str(DEMO_VAD), **where, **quiet)
    vad = funasr.AutoModel(model=str(DEMO_VAD), **where, **quiet)
    recordings = make_recordings(hours)
    audio_s = sum(map(len, recordings)) / SAMPLE_RATE
    batch_size_s = _fastest_batch(stock, recordings)
    hear_ours(engine, recordings[:3])  # compiles what is compiled at first use
    theirs, ours, stages = [], [], []
    for _ in range(rounds):
        seconds, their_texts = _timed(lambda: hear_stock(stock, recordings, batch_size_s))
        theirs.append(seconds)
        seconds, (our_texts, our_spans, took) = _timed(lambda: hear_ours(engine, recordings))
        ours.append(seconds)
        stages.append(took)
    bound_s = statistics.median(forward_alone(engine, recordings) for _ in range(rounds))
    stock_spans = [vad.generate(input=[one])[0]["value"] for one in recordings]
    return EngineResult(
        device=plan.device,
        model="demo",
        threads=torch.get_num_threads(),
        audio_s=round(audio_s, 1),
        files=len(recordings),
        stock_rtfx=round(audio_s / statistics.median(theirs), 1),
        ours_rtfx=round(audio_s / statistics.median(ours), 1),
        ratio=round(statistics.median(theirs) / statistics.median(ours), 2),
        device_only_rtfx=round(audio_s / bound_s, 1),
        fraction_of_device_only=round(bound_s / statistics.median(ours), 2),
        stages_s=stages[int(np.argsort(ours)[len(ours) // 2])],
        segments_equal=stock_spans == our_spans,
        text_equal=their_texts == our_texts,
        stock_batch_size_s=batch_size_s,
        rounds=rounds,
        machine=describe_machine(),
    )


def _timed(act: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = act()
    return time.perf_counter() - begin, result


def _fastest_batch(stock: Any, recordings: Recordings) -> int:
    """FunASR at its best: the batch size that hears some of the recordings soonest."""
    some = recordings[:6]

    def seconds(size: int) -> float:
        return _timed(lambda: hear_stock(stock, some, size))[0]

    return min((60, 300, 1200), key=seconds)


@torch.inference_mode()
def forward_alone(engine: FunasrEngine, recordings: Recordings) -> float:
    """Seconds of both models' forward, with all that comes before done before."""
    detector, recogniser = engine.paths.detector, engine.paths.recogniser
    assert isinstance(detector, FastDetector)  # noqa: S101 - the bench is of the fast paths
    assert isinstance(recogniser, FastRecogniser)  # noqa: S101
    sounds = [Sound(recording) for recording in recordings]
    clips = [sound.clip(span) for sound in sounds for span in engine.find_speech(sound)]
    stacked = [recogniser.stack([clips[i] for i in batch]) for batch in engine.batches(clips)]
    begin = time.perf_counter()
    for sound in sounds:
        detector.silence(sound.features)
    with fast_firing():
        for batch, lengths in stacked:
            recogniser.forward(batch, lengths)
    return time.perf_counter() - begin


def hear_stock(model: Any, recordings: Recordings, batch_size_s: int) -> Heard:
    """FunASR's own way over a list."""
    results = model.generate(input=list(recordings), batch_size_s=batch_size_s)
    return [join_texts(split_words(result["text"])) for result in results]


def hear_ours(
    engine: FunasrEngine, recordings: Recordings
) -> tuple[Heard, list[list[list[int]]], dict[str, float]]:
    """Our way: find speech in every recording, recognise the clips of all of them together."""
    sounds = [Sound(recording) for recording in recordings]
    vad_s, found = _timed(lambda: [engine.find_speech(sound) for sound in sounds])
    clips = [one.clip(s) for one, spans in zip(sounds, found, strict=True) for s in spans]
    recognise_s, heard = _timed(lambda: engine.recognise(clips, Hints()))
    said = iter(heard)
    texts = [join_texts([next(said).text for _ in spans]) for spans in found]
    spans_ms = [[[span.start_ms, span.end_ms] for span in spans] for spans in found]
    return texts, spans_ms, {"vad": round(vad_s, 2), "recognise": round(recognise_s, 2)}
