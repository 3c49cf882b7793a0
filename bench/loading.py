"""Both sides loaded: the same models, with the threads that one worker child would have."""

from typing import Any, Literal

import funasr
import torch

from bench.long_audio import decode_samples
from bench.models import ModelName, load_detector, load_recogniser
from models import DEMO_VAD
from worker.engine.fast.choice import choose_paths
from worker.engine.funasr import FunasrEngine
from worker.engine.interface import Identity, as_clip
from worker.machine import usable_cores
from worker.pinning import plan_slot
from worker.planning.budget import ON_CPU_S

Device = Literal["cpu", "cuda"]


def load_engine(
    device: Device, model: ModelName, precision: str, batch_seconds: float
) -> FunasrEngine:
    """Ours; without batch seconds it finds out how many its device takes."""
    where = _where("cpu" if device == "cpu" else "cuda:0")
    recogniser, vad = load_recogniser(model, where), load_detector(where)
    paths = choose_paths(recogniser, vad, None, where["device"], decode_samples()[0])
    identity = Identity(
        model=model,
        model_revision="",
        funasr=str(funasr.__version__),
        torch=str(torch.__version__),
        device=where["device"],
        precision=precision,
    )
    engine = FunasrEngine(
        {"recogniser": recogniser, "vad": vad},
        paths,
        identity,
        thread_count=where["ncpu"],
        batch_seconds=batch_seconds or ON_CPU_S,
    )
    if not batch_seconds:
        engine.size_batches(as_clip(decode_samples()[0]))
    return engine


def load_stock(device: str, model: ModelName) -> tuple[Any, Any]:
    """FunASR's detector by itself, for its segments, and its recogniser with the same detector."""
    where = _where(device)
    return load_detector(where), load_recogniser(model, where, vad_model=str(DEMO_VAD))


def _where(device: str) -> dict[str, Any]:
    threads = plan_slot(0, ["cpu"], usable_cores(), "auto").threads
    torch.set_num_threads(threads)
    return {"device": device, "ncpu": threads}
