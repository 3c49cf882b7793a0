"""Speaker clustering of two one-hour recordings with many turns, by our engine and by FunASR.

The speaker model has random weights, so only times and threads are meaningful, not the speakers.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from bench.machine import describe_machine
from funasr_fleet.worker.process.hardware import plan_slot, usable_cores

_RECORDINGS = 2
_SPEAKERS = 4
_TURN_S = 2.25
"""Length of a turn: two of FunASR's windows."""
_MODEL = {
    "model": "CAMPPlus",
    "model_conf": {"embedding_size": 192, "growth_rate": 4, "init_channels": 32, "bn_size": 2},
    "frontend": "WavFrontend",
    "frontend_conf": {"fs": 16000},
}
"""The narrowest CAM++, with embeddings of the real length."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Measurements of one recording."""

    embedding_s: float | None
    """None if the embeddings were precomputed."""
    clustering_s: float
    torch_threads: int
    """Number of torch threads for the next recording."""
    process_threads: int
    resident_mib: int


@dataclass(frozen=True, kw_only=True)
class SpeakersResult:
    """The output of `python -m bench speakers --json`; each engine in its own process."""

    minutes: float
    turns: int
    windows: int
    threads: int
    """Threads that both processes were configured with."""
    ours: list[Round]
    funasr: list[Round]
    """FunASR's clustering of the same embeddings."""
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return one line per engine."""
        sides = {"ours": self.ours, "FunASR's own": self.funasr}
        return "\n".join(
            f"{name}: {self.windows} windows clustered in "
            f"{' and '.join(f'{one.clustering_s} s' for one in rounds)}, then "
            f"{' and '.join(str(one.torch_threads) for one in rounds)} torch threads"
            for name, rounds in sides.items()
        )


def run_speakers(minutes: float) -> SpeakersResult:
    """Measure each engine in its own process, pinned like a worker child."""
    plan = plan_slot(0, ["cpu"], usable_cores(), "auto")
    os.environ.update(plan.environment)  # read by the libraries of the child processes
    with TemporaryDirectory() as directory:
        kept = Path(directory)
        ours = _in_a_fresh_process(_cluster_ours, kept, minutes, plan.threads)
        stock = _in_a_fresh_process(_cluster_stock, kept, plan.threads)
        windows = len(np.load(_embeddings(kept, 0)))
    return SpeakersResult(
        minutes=minutes,
        turns=_turns(minutes),
        windows=windows,
        threads=plan.threads,
        ours=ours,
        funasr=stock,
        machine=describe_machine(),
    )


def _in_a_fresh_process(act: Callable[..., list[Round]], *given: Any) -> list[Round]:
    context = get_context("spawn")
    # redirects FunASR's output to stderr
    with ProcessPoolExecutor(1, context, initializer=os.dup2, initargs=(2, 1)) as process:
        return process.submit(act, *given).result()


def _embeddings(kept: Path, number: int) -> Path:
    return kept / f"{number}.npy"


def _turns(minutes: float) -> int:
    return int(minutes * 60 / _TURN_S)


def _cluster_ours(kept: Path, minutes: float, threads: int) -> list[Round]:
    """Run the whole speaker path of our engine; save the embeddings for FunASR."""
    import funasr
    import torch

    from funasr_fleet.worker.engine.diarization import SpeakerEmbedder, cluster_speakers

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    flags = {"disable_update": True, "disable_log": True, "disable_pbar": True, "ncpu": threads}
    voices = SpeakerEmbedder(funasr.AutoModel(**_MODEL, **flags))
    rounds = []
    for number in range(_RECORDINGS):
        clips = _record(_turns(minutes), number)
        begin = time.perf_counter()
        embeddings = voices.embed(clips)
        embedded = time.perf_counter()
        cluster_speakers(embeddings, seconds=[clip.seconds for clip in clips])
        clustered = time.perf_counter()
        rounds.append(_round(embedded - begin, clustered - embedded))
        np.save(_embeddings(kept, number), np.concatenate(embeddings))
    return rounds


def _cluster_stock(kept: Path, threads: int) -> list[Round]:
    import torch
    from funasr.models.campplus.cluster_backend import ClusterBackend

    torch.set_num_threads(threads)
    rounds = []
    for number in range(_RECORDINGS):
        rows = np.load(_embeddings(kept, number))
        begin = time.perf_counter()
        ClusterBackend()(rows, oracle_num=None)
        rounds.append(_round(None, time.perf_counter() - begin))
    return rounds


def _record(turns: int, seed: int) -> list[Any]:
    """Return turns of four samples, each with different excerpts and noise."""
    from bench.long_audio import decode_samples
    from funasr_fleet.worker.engine.interface import as_clip
    from funasr_fleet.worker.text.spans import SAMPLE_RATE

    lots = np.random.default_rng(seed)
    length = int(_TURN_S * SAMPLE_RATE)
    spoken = sorted(decode_samples(), key=len)[-_SPEAKERS:]
    clips = []
    for _ in range(turns):
        voice = spoken[lots.integers(_SPEAKERS)]
        start = lots.integers(len(voice) - length)
        hiss = lots.normal(0, 1e-3, length).astype(np.float32)
        clips.append(as_clip(voice[start : start + length] + hiss))
    return clips


def _round(embedding_s: float | None, clustering_s: float) -> Round:
    import torch

    process = psutil.Process()
    return Round(
        embedding_s=None if embedding_s is None else round(embedding_s, 1),
        clustering_s=round(clustering_s, 2),
        torch_threads=torch.get_num_threads(),
        process_threads=process.num_threads(),
        resident_mib=process.memory_info().rss >> 20,
    )
