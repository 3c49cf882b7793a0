"""Loads the models of both engines, with the threads of one worker child."""

from typing import Any, Literal

import funasr
import torch

from bench.long_audio import decode_samples
from bench.models import ModelName, load_detector, load_recogniser
from funasr_fleet.demo_model import DEMO_VAD
from funasr_fleet.worker.engine.fast.selection import choose_paths
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.interface import Identity, as_clip
from funasr_fleet.worker.process.hardware import plan_slot, usable_cores
from funasr_fleet.worker.text.batching import ON_CPU_S

Device = Literal["cpu", "cuda"]


def load_engine(
    device: Device, model: ModelName, precision: str, batch_seconds: float
) -> FunasrEngine:
    """Load our engine; with 0 batch seconds it determines the budget from the device."""
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
    """Load FunASR's detector alone, for its segments, and its recogniser with the same detector."""
    where = _where(device)
    return load_detector(where), load_recogniser(model, where, vad_model=str(DEMO_VAD))


def _where(device: str) -> dict[str, Any]:
    threads = plan_slot(0, ["cpu"], usable_cores(), "auto").threads
    torch.set_num_threads(threads)
    return {"device": device, "ncpu": threads}
