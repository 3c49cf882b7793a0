"""Settings + slot plan -> a loaded engine that has proved itself."""

import logging
from pathlib import Path
from typing import Any

import funasr
import torch

from contract.settings import Settings
from worker.engine.canary import load_canary, transcribe_canary
from worker.engine.checkpoint import assert_loaded
from worker.engine.checks import assert_cuda, assert_device, assert_weights
from worker.engine.families import weights_of, whisper
from worker.engine.fast.choice import choose_paths
from worker.engine.funasr import FunasrEngine
from worker.engine.interface import Identity, as_clip
from worker.engine.revision import resolve_model, resolve_vad, revision_of, split_revision
from worker.engine.threads import limit_threads
from worker.events import Observer, nobody
from worker.failures import FileFailure, ModelUnusable
from worker.pinning import SlotPlan
from worker.planning.budget import ON_CPU_S

log = logging.getLogger(__name__)


def build_engine(settings: Settings, plan: SlotPlan, observe: Observer = nobody) -> FunasrEngine:
    """Load every configured model, check it, transcribe the canary.

    Raises:
        ModelUnusable: with the reason and what to correct.
    """
    limit_threads(plan.threads)
    assert_cuda(plan.device)
    names = {
        "recogniser": resolve_model(settings.model),
        "vad": resolve_vad(settings),
        "punctuation": settings.punc_model,
        "speaker": settings.spk_model,
    }
    loaded = {role: _load(role, name, plan) for role, name in names.items() if name}
    loaded["recogniser"].kwargs["llm_dtype"] = settings.precision  # of those that hold an LLM
    directories = [_check(role, model, plan.device) for role, model in loaded.items()]
    try:
        return _proven(loaded, directories, settings, plan, observe)
    except FileFailure as error:
        raise ModelUnusable(f"the models fail on the canary: {error}") from error


def _proven(
    loaded: dict[str, Any],
    directories: list[Path],
    settings: Settings,
    plan: SlotPlan,
    observe: Observer,
) -> FunasrEngine:
    """The engine, when it has heard the canary."""
    canary = load_canary(directories[0])
    models = loaded["recogniser"], loaded["vad"], loaded.get("punctuation")
    paths = choose_paths(*models, plan.device, canary.samples)
    limit_threads(plan.threads)
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
    log.info("canary heard: %s; fast paths: %s", transcribe_canary(engine, canary), paths.fast)
    return engine


def _load(role: str, name: str, plan: SlotPlan) -> Any:
    plain, revision = split_revision(name)
    where: dict[str, Any] = {"model_revision": revision} if revision else {}
    if plain.startswith(whisper.PREFIX):
        where["hub"] = "openai"  # whose package fetches these by itself
    try:
        return funasr.AutoModel(
            model=plain,
            device=plan.device,
            ncpu=plan.threads,  # FunASR sets torch's threads to this, at every call
            disable_update=True,
            disable_pbar=True,
            disable_log=True,
            **where,
        )
    except Exception as error:
        raise ModelUnusable(
            f"the {role} {name!r} cannot be loaded ({type(error).__name__}: {error}); "
            "check its name or directory, and that the hub can be reached"
        ) from error


def _check(role: str, model: Any, device: str) -> Path:
    assert_device(role, model.model, device)
    _silence_dither(model)
    place = assert_weights(role, model.kwargs, weights_of(model))
    assert_loaded(role, model)
    return place


def _silence_dither(model: Any) -> None:
    """WavFrontend adds random noise by default; the same file must give the same words."""
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
