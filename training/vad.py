"""The speech detector: FunASR's FSMN-VAD with 0.1 M parameters, and its training loop."""

import time
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.asr import Moments
from training.corpus import in_processes
from training.scenes import training_scene

TRAINING_SEED = 30_260
CONTEXT_FRAMES = 2
"""Neighbouring frames stacked on each side of a frame: `lfr_m` 5, `lfr_n` 1."""
SCENES_PER_BATCH = 6
LEARNING_RATE = 2e-3
LABEL_SMOOTHING = 0.02
"""Keeps the posterior p away from 0 and 1: FunASR's detector takes log(p) and log(1 - p), and a
saturated softmax raises `ValueError: math domain error`."""

ENCODER_CONF: dict[str, Any] = {
    "input_dim": 400,
    "input_affine_dim": 80,
    "fsmn_layers": 4,
    "linear_dim": 128,
    "proj_dim": 64,
    "lorder": 20,
    "rorder": 0,
    "lstride": 1,
    "rstride": 0,
    "output_affine_dim": 64,
    "output_dim": 2,
}

Labelled = tuple[npt.NDArray[np.float16], npt.NDArray[np.bool_]]
"""Log mel energies, shape (frames of 10 ms, 80), and whether each frame is speech."""


def labelled_scene(index: int) -> Labelled:
    """Return the training scene of this index as features and labels."""
    scene = training_scene(TRAINING_SEED, index)
    values, _ = _frontend()(torch.from_numpy(scene.samples)[None], [len(scene.samples)])
    return values[0].numpy().astype(np.float16), scene.frames[: values.shape[1]]


@cache
def _frontend() -> Any:
    from funasr.frontends.wav_frontend import WavFrontend

    return WavFrontend(fs=16_000, dither=0.0, lfr_m=1, lfr_n=1)


def vad_corpus(work: Path, count: int, processes: int) -> list[Labelled]:
    """Return the training scenes, from disk if they exist."""
    kept = work / f"vad-corpus-{count}.pt"
    if not kept.exists():
        work.mkdir(parents=True, exist_ok=True)
        torch.save(list(in_processes(labelled_scene, range(count), processes)), kept)
    return list(torch.load(kept, weights_only=False))


def stack(features: torch.Tensor) -> torch.Tensor:
    """Stack each frame with its neighbours: shape (frames, 80) becomes (frames, 400)."""
    first, last = features[:1], features[-1:]
    padded = torch.cat([first.repeat(CONTEXT_FRAMES, 1), features, last.repeat(CONTEXT_FRAMES, 1)])
    window = 2 * CONTEXT_FRAMES + 1
    return torch.cat([padded[i : len(features) + i] for i in range(window)], dim=1)


def build_detector() -> Any:
    """Build FunASR's detector with random weights."""
    import funasr  # noqa: F401 - registers the encoder by name
    from funasr.models.fsmn_vad_streaming.model import FsmnVADStreaming

    return FsmnVADStreaming(encoder="FSMN", encoder_conf=ENCODER_CONF)


def moments_of(scenes: list[Labelled]) -> Moments:
    """Return shift and scale per stacked feature; digital silence is excluded."""
    frames = np.concatenate([values for values, _ in scenes[:300]]).astype(np.float32)
    frames = frames[frames.max(axis=1) > -10]
    window = 2 * CONTEXT_FRAMES + 1
    return np.tile(-frames.mean(0), window), np.tile(1 / frames.std(0), window)


def train_detector(scenes: list[Labelled], epochs: int, work: Path) -> tuple[Any, Moments]:
    """Train frame by frame against labels from the clean signal; print a line per epoch."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    model, moments = build_detector(), moments_of(scenes)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs, LEARNING_RATE / 50)
    step = partial(_training_step, model, optimiser, moments)
    started = time.monotonic()
    for epoch in range(epochs):
        order = np.array_split(random.permutation(len(scenes)), len(scenes) // SCENES_PER_BATCH)
        losses = [step([scenes[place] for place in places]) for places in order]
        schedule.step()
        passed_s = time.monotonic() - started
        print(f"vad epoch {epoch} loss {np.mean(losses):.4f} {passed_s:.0f} s", flush=True)
        torch.save({"model": model.state_dict(), "moments": moments}, work / "vad-weights.pt")
    return model, moments


def _training_step(
    model: Any, optimiser: torch.optim.Optimizer, moments: Moments, batch: list[Labelled]
) -> float:
    longest = max(len(labels) for _, labels in batch)
    shift, scale = (torch.from_numpy(moment) for moment in moments)
    speech = torch.zeros(len(batch), longest, len(shift))
    target = torch.full((len(batch), longest), -100)
    for row, (values, labels) in enumerate(batch):
        stacked = stack(torch.from_numpy(values[: len(labels)].astype(np.float32)))
        speech[row, : len(labels)] = (stacked + shift) * scale
        target[row, : len(labels)] = torch.from_numpy(labels.astype(np.int64))
    posterior = model.encoder(speech)
    loss = torch.nn.functional.cross_entropy(
        torch.log(posterior + 1e-8).flatten(0, 1),
        target.flatten(),
        ignore_index=-100,
        label_smoothing=LABEL_SMOOTHING,
    )
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())
