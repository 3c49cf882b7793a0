"""Settings and slot plan -> a loaded engine that has passed its checks."""

import contextlib
import logging
import time
from pathlib import Path
from typing import Any

import funasr
import torch

from funasr_fleet.settings import Settings
from funasr_fleet.worker.engine.canary import load_canary, transcribe_canary
from funasr_fleet.worker.engine.checks import (
    assert_cuda,
    assert_device,
    assert_loaded,
    assert_weights,
)
from funasr_fleet.worker.engine.directories import check_directories, load_advice, model_names
from funasr_fleet.worker.engine.families import weights_of, whisper
from funasr_fleet.worker.engine.fast.selection import choose_paths
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.interface import Identity, as_clip
from funasr_fleet.worker.engine.revision import revision_of, split_revision
from funasr_fleet.worker.errors import FileFailure, ModelUnusable
from funasr_fleet.worker.events import Observer, ignore
from funasr_fleet.worker.process.hardware import SlotPlan
from funasr_fleet.worker.text.batching import ON_CPU_S

log = logging.getLogger(__name__)


def build_engine(settings: Settings, plan: SlotPlan, observe: Observer = ignore) -> FunasrEngine:
    """Load every configured model, check it, and transcribe the canary.

    Raises:
        BadConfiguration: a model directory is missing or has no configuration.
        ModelUnusable: with the reason and how to fix it.
    """
    check_directories(settings)
    _limit_threads(plan.threads)
    assert_cuda(plan.device)
    loaded = {role: _load(role, name, plan) for role, name in model_names(settings).items()}
    loaded["recogniser"].kwargs["llm_dtype"] = settings.precision  # for families with an LLM
    directories = [_check(role, model, plan.device) for role, model in loaded.items()]
    try:
        return _checked_engine(loaded, directories, settings, plan, observe)
    except FileFailure as error:
        raise ModelUnusable(f"the models failed on the canary: {error}") from error


def _limit_threads(threads: int) -> None:
    """Set the number of torch's intra-op threads, and one inter-op thread.

    More inter-op threads only multiply the pools: inference runs one operator at a time.
    """
    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # it can be set only once per process
        torch.set_num_interop_threads(1)


def _checked_engine(
    loaded: dict[str, Any],
    directories: list[Path],
    settings: Settings,
    plan: SlotPlan,
    observe: Observer,
) -> FunasrEngine:
    """Build the engine from loaded models and transcribe the canary with it."""
    canary = load_canary(directories[0])
    models = loaded["recogniser"], loaded["vad"], loaded.get("punctuation")
    paths = choose_paths(*models, plan.device, canary.samples)
    _limit_threads(plan.threads)
    engine = FunasrEngine(
        loaded,
        paths,
        _identify(settings, plan, directories),
        thread_count=plan.threads,
        batch_seconds=ON_CPU_S if settings.batch_seconds == "auto" else settings.batch_seconds,
        observe=observe,
    )
    if settings.batch_seconds == "auto":
        engine.size_batches(as_clip(canary.samples))
    begin = time.perf_counter()
    text = transcribe_canary(engine, canary)
    engine.canary_speed = canary.seconds / (time.perf_counter() - begin)
    log.info("canary transcribed: %s; fast paths: %s", text, paths.fast)
    return engine


def _load(role: str, name: str, plan: SlotPlan) -> Any:
    plain, revision = split_revision(name)
    hub_options: dict[str, str] = {"model_revision": revision} if revision else {}
    if plain.startswith(whisper.PREFIX):
        hub_options["hub"] = "openai"  # OpenAI's package downloads these itself
    try:
        return funasr.AutoModel(
            model=plain,
            device=plan.device,
            ncpu=plan.threads,  # FunASR sets torch's threads to this at every call
            disable_update=True,
            disable_pbar=True,
            disable_log=True,
            **hub_options,
        )
    except Exception as error:
        raise ModelUnusable(
            f"the {role} {name!r} cannot be loaded ({type(error).__name__}: {error}); "
            + load_advice(name)
        ) from error


def _check(role: str, model: Any, device: str) -> Path:
    """Check device and weights; return the model's directory or weights file."""
    assert_device(role, model.model, device)
    _disable_dither(model)
    path = assert_weights(role, model.kwargs, weights_of(model))
    assert_loaded(role, model)
    return path


def _disable_dither(model: Any) -> None:
    """Disable WavFrontend's random noise, so that the same file always gives the same text."""
    frontend = model.kwargs.get("frontend")
    if hasattr(frontend, "dither"):
        frontend.dither = 0.0


def _identify(settings: Settings, plan: SlotPlan, directories: list[Path]) -> Identity:
    return Identity(
        model=settings.model,
        model_revision=revision_of(directories),
        funasr=str(funasr.__version__),
        torch=str(torch.__version__).split("+", maxsplit=1)[0],
        device=plan.device,
        precision=settings.precision,
    )
