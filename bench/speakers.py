"""Two recordings of an hour in which many turns are taken: telling speakers apart, ours and stock.

The speaker model has random weights, so that who is found means nothing here; times and threads do.
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
from worker.machine import usable_cores
from worker.pinning import plan_slot

_RECORDINGS = 2
_SPEAKERS = 4
_TURN_S = 2.25
"""Two of FunASR's windows."""
_MODEL = {
    "model": "CAMPPlus",
    "model_conf": {"embedding_size": 192, "growth_rate": 4, "init_channels": 32, "bn_size": 2},
    "frontend": "WavFrontend",
    "frontend_conf": {"fs": 16000},
}
"""CAM++ as narrow as it goes; embeddings as long as the real one's."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One recording, and what it left behind."""

    embedding_s: float | None
    """None where the embeddings were there already."""
    clustering_s: float
    torch_threads: int
    """What torch would take for the next recording."""
    process_threads: int
    resident_mib: int


@dataclass(frozen=True, kw_only=True)
class SpeakersResult:
    """What `python -m bench speakers --json` prints; rounds in order, each side in one process."""

    minutes: float
    turns: int
    windows: int
    threads: int
    """What both processes were given."""
    ours: list[Round]
    funasr: list[Round]
    """Its own clustering of the same embeddings."""
    machine: dict[str, object]

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """A line per side."""
        sides = {"ours": self.ours, "FunASR's own": self.funasr}
        return "\n".join(
            f"{name}: {self.windows} windows clustered in "
            f"{' and '.join(f'{one.clustering_s} s' for one in rounds)}, then "
            f"{' and '.join(str(one.torch_threads) for one in rounds)} torch threads"
            for name, rounds in sides.items()
        )


def run_speakers(minutes: float) -> SpeakersResult:
    """Measure each side in a process of its own, pinned like a worker child."""
    plan = plan_slot(0, ["cpu"], usable_cores(), "auto")
    os.environ.update(plan.environment)  # read by the libraries of the processes to come
    with TemporaryDirectory() as directory:
        kept = Path(directory)
        ours = _in_a_fresh_process(_hear_ours, kept, minutes, plan.threads)
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
    # what FunASR prints goes to stderr
    with ProcessPoolExecutor(1, context, initializer=os.dup2, initargs=(2, 1)) as process:
        return process.submit(act, *given).result()


def _embeddings(kept: Path, number: int) -> Path:
    return kept / f"{number}.npy"


def _turns(minutes: float) -> int:
    return int(minutes * 60 / _TURN_S)


def _hear_ours(kept: Path, minutes: float, threads: int) -> list[Round]:
    """The speaker path of the engine, all of it; keeps the embeddings for the other side."""
    import funasr
    import torch

    from worker.engine.voices import Voices, tell_apart

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    flags = {"disable_update": True, "disable_log": True, "disable_pbar": True, "ncpu": threads}
    voices = Voices(funasr.AutoModel(**_MODEL, **flags))
    rounds = []
    for number in range(_RECORDINGS):
        clips = _record(_turns(minutes), number)
        begin = time.perf_counter()
        heard = voices.hear(clips)
        embedded = time.perf_counter()
        tell_apart(heard, seconds=[clip.seconds for clip in clips])
        clustered = time.perf_counter()
        rounds.append(_round(embedded - begin, clustered - embedded))
        np.save(_embeddings(kept, number), np.concatenate(heard))
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
    """Turns of four of the samples, each from another place and with another noise."""
    from bench.long_audio import decode_samples
    from worker.engine.interface import as_clip
    from worker.planning.spans import SAMPLE_RATE

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
