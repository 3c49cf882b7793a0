"""The recogniser: a Paraformer of 1.4 M parameters, and its training loop."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.utils.rnn import pad_sequence

from training.corpus import LFR, OTHER_SPEAKERS_FROM, Example
from training.vocabulary import TOKENS

WIDTH = 112
WARMUP_STEPS = 300
BATCH_FRAMES = 1_500
"""Padded frames of 60 ms per batch: 90 s of audio."""

Moments = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Shift and scale of each feature (added, then multiplied): shapes (560,) and (560,)."""


@dataclass(frozen=True)
class Round:
    """One round of training."""

    utterances: tuple[range, ...]
    """Ranges of utterances of the corpus; each range is stored in its own file."""
    epochs: int
    """Passes over the utterances."""
    peak_rate: float
    """Learning rate after the warm-up."""


ROUNDS = (
    Round((range(OTHER_SPEAKERS_FROM),), 11, 2e-3),
    Round((range(OTHER_SPEAKERS_FROM, 2 * OTHER_SPEAKERS_FROM),), 9, 1.2e-3),
    Round((range(2 * OTHER_SPEAKERS_FROM, 16_000),), 4, 6e-4),
    Round((range(16_000, 20_000),), 3, 5e-4),
    Round((range(18_000, 24_000),), 2, 4e-4),
    Round((range(12_000, 16_000), range(16_000, 20_000), range(18_000, 24_000)), 2, 4e-4),
)
"""First espeak-ng's own voices, then growing numbers of utterances by modified speakers; the last
round combines the three before it."""

MODEL_CONF: dict[str, Any] = {
    "ctc_weight": 0.3,
    "lsm_weight": 0.1,
    "length_normalized_loss": True,
    "predictor_weight": 3.0,
    "predictor_bias": 1,
    "sampling_ratio": 0.75,
}
ENCODER_CONF: dict[str, Any] = {
    "output_size": WIDTH,
    "attention_heads": 4,
    "linear_units": 384,
    "num_blocks": 6,
    "dropout_rate": 0.1,
    "positional_dropout_rate": 0.1,
    "attention_dropout_rate": 0.0,
    "input_layer": "pe",
    "pos_enc_class": "SinusoidalPositionEncoder",
    "normalize_before": True,
    "kernel_size": 11,
    "sanm_shfit": 0,
    "selfattention_layer_type": "sanm",
}
DECODER_CONF: dict[str, Any] = {
    "attention_heads": 4,
    "linear_units": 384,
    "num_blocks": 2,
    "dropout_rate": 0.1,
    "positional_dropout_rate": 0.1,
    "self_attention_dropout_rate": 0.0,
    "src_attention_dropout_rate": 0.0,
    "att_layer_num": 2,
    "kernel_size": 11,
    "sanm_shfit": 0,
}
PREDICTOR_CONF: dict[str, Any] = {
    "idim": WIDTH,
    "threshold": 1.0,
    "l_order": 1,
    "r_order": 1,
    "tail_threshold": 0.45,
}
SPECAUG_CONF: dict[str, Any] = {
    "apply_time_warp": False,
    "apply_freq_mask": True,
    "freq_mask_width_range": [0, 12],
    "num_freq_mask": 2,
    "lfr_rate": 7,
    "apply_time_mask": True,
    "time_mask_width_range": [0, 3],
    "num_time_mask": 1,
}
"""`lfr_rate` is `lfr_m`: a frame stacks 80 bands seven times. Time masks are shorter than
180 ms, because a longer mask hides a whole word that the label still requires."""

ARCHITECTURE: dict[str, Any] = {
    "encoder": "SANMEncoder",
    "encoder_conf": ENCODER_CONF,
    "decoder": "ParaformerSANMDecoder",
    "decoder_conf": DECODER_CONF,
}


def build_recogniser() -> Any:
    """Build FunASR's Paraformer with random weights."""
    return build("Paraformer", {"predictor": "CifPredictorV2", "predictor_conf": PREDICTOR_CONF})


def build(name: str, predictor: dict[str, Any]) -> Any:
    """Build a Paraformer class of FunASR with our sizes, random weights and this predictor."""
    import funasr  # noqa: F401 - registers model classes by name
    from funasr.register import tables

    return tables.model_classes[name](
        input_size=80 * LFR["lfr_m"],
        vocab_size=len(TOKENS),
        specaug="SpecAugLFR",
        specaug_conf=SPECAUG_CONF,
        **ARCHITECTURE,
        **predictor,
        **MODEL_CONF,
    )


def feature_moments(examples: list[Example]) -> Moments:
    """Return shift and scale for mean 0 and variance 1 per feature, from up to 1000 examples."""
    frames = np.concatenate([example.features for example in examples[:1000]]).astype(np.float32)
    return -frames.mean(0), 1 / (frames.std(0) + 1e-3)


def normalise(features: npt.NDArray[np.floating[Any]], moments: Moments) -> torch.Tensor:
    """Return normalised features, the input of the model, shape (frames, 560)."""
    shift, scale = moments
    return torch.from_numpy((features.astype(np.float32) + shift) * scale)


def batches(examples: list[Example], random: np.random.Generator) -> Iterator[list[Example]]:
    """Yield every example once, batched by similar length, in random order of batches."""
    lengths = np.array([len(example.features) for example in examples])
    order = np.argsort(lengths * random.uniform(0.9, 1.1, len(lengths)))
    groups: list[list[Example]] = [[]]
    for position in order:
        longest = max(
            len(examples[position].features), len(groups[-1][-1].features) if groups[-1] else 0
        )
        if groups[-1] and longest * (len(groups[-1]) + 1) > BATCH_FRAMES:
            groups.append([])
        groups[-1].append(examples[position])
    for position in random.permutation(len(groups)):
        yield groups[position]


def collate(batch: list[Example], moments: Moments) -> dict[str, torch.Tensor]:
    """Return padded tensors under the argument names of `Paraformer.forward`."""
    speech = [normalise(example.features, moments) for example in batch]
    text = [torch.from_numpy(example.tokens) for example in batch]
    return {
        "speech": pad_sequence(speech, batch_first=True),
        "speech_lengths": torch.tensor([len(item) for item in speech]),
        "text": pad_sequence(text, batch_first=True, padding_value=-1),
        "text_lengths": torch.tensor([len(item) for item in text]),
    }


def train_recogniser(rounds: list[tuple[list[Example], Round]], work: Path) -> tuple[Any, Moments]:
    """Train from random weights through all rounds; save the weights after each epoch."""
    torch.manual_seed(0)
    moments = feature_moments(rounds[0][0])
    model = build_recogniser()
    for examples, plan in rounds:
        train_round(model, examples, moments, plan, work)
    return model, moments


def train_round(
    model: Any, examples: list[Example], moments: Moments, plan: Round, work: Path
) -> None:
    """Train one round with a warm-up and a cosine schedule; print a line per epoch."""
    random = np.random.default_rng(plan.utterances[0].start)
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.peak_rate, weight_decay=0.01)
    total = plan.epochs * sum(1 for _ in batches(examples, np.random.default_rng(0)))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, total))
    started = time.monotonic()
    for epoch in range(plan.epochs):
        model.train()
        losses = [
            training_step(model, collate(batch, moments), optimiser, schedule)
            for batch in batches(examples, random)
        ]
        passed_s = time.monotonic() - started
        print(f"asr epoch {epoch} loss {np.mean(losses):.4f} {passed_s:.0f} s", flush=True)
        torch.save({"model": model.state_dict(), "moments": moments}, work / "asr-weights.pt")


def rate(step: int, total: int) -> float:
    """Return the share of the peak rate: linear warm-up, then half a cosine down to 1 %."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    progress = min(1.0, (step - WARMUP_STEPS) / max(1, total - WARMUP_STEPS))
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def training_step(
    model: Any, batch: dict[str, torch.Tensor], optimiser: Any, schedule: Any
) -> float:
    """Run one update and return the loss that FunASR's model computes."""
    loss, _, _ = model(**batch)
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    schedule.step()
    return float(loss.detach())
