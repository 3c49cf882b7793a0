"""Word times: the upsampled alignment head of BiCifParaformer, trained on a frozen encoder.

FunASR computes times from the head's weights: it accumulates the weights in frames of 20 ms, and
whenever the sum passes the next integer it sets a border 30 ms before that frame. Word k lasts from
border k to border k + 1, but for at most 240 ms.
Source: `ts_prediction_lfr6_standard` in `funasr.utils.timestamp_tools` and `CifPredictorV3`.
"""

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.asr import PREDICTOR_CONF, Moments, batches, build, collate
from training.corpus import Example

UPSAMPLING = 3
FRAME_MS = 60 / UPSAMPLING
BORDER_DELAY_MS = 30.0
"""FunASR moves every border 1.5 frames earlier, so the target is delayed by the same time."""
RAMP_MS = 60.0
"""Half the width of the range around a border that carries most of its weight."""
RAMP_WEIGHT = 0.6
LEARNING_RATE = 2e-3

PREDICTOR: dict[str, Any] = {
    "predictor": "CifPredictorV3",
    "predictor_conf": {
        **PREDICTOR_CONF,
        "smooth_factor2": 1.0,
        "noise_threshold2": 0.0,
        "upsample_times": UPSAMPLING,
        "use_cif1_cnn": False,
        "upsample_type": "cnn_blstm",
    },
}

Curve = npt.NDArray[np.float32]
"""Accumulated weight at the end of each 20 ms frame, shape (frames,)."""


def target_curve(words_ms: npt.NDArray[np.int64], frames: int) -> Curve:
    """Return the accumulated weight that gives correct borders; its final value is words + 1.

    It passes k + 1 at the start of word k. Most of the rise is within RAMP_MS of a border, so that
    a small error in the sum moves the border by only a few milliseconds; the rest is spread over
    the word, so that the curve never stays at an integer.
    """
    borders = [float(start) for start, _ in words_ms] + [float(words_ms[-1][1])]
    times, weights = [0.0], [0.0]
    for position, border in enumerate(borders):
        for offset, share in ((-RAMP_MS, -RAMP_WEIGHT / 2), (0.0, 0.0), (RAMP_MS, RAMP_WEIGHT / 2)):
            times.append(border + offset + BORDER_DELAY_MS)
            weights.append(position + 1 + share)
    last = times.index(borders[-1] + BORDER_DELAY_MS, len(times) - 3)
    times, weights = times[: last + 1], weights[: last + 1]
    ends_ms = (np.arange(frames) + 1) * FRAME_MS
    rising = np.maximum.accumulate(np.maximum(times, 0.0))
    return np.asarray(np.interp(ends_ms, rising, weights), np.float32)


def build_aligner(recogniser_weights: dict[str, torch.Tensor]) -> Any:
    """Build a BiCifParaformer with the recogniser's weights and a new upsampling head."""
    model = build("BiCifParaformer", PREDICTOR)
    missing, unknown = model.load_state_dict(recogniser_weights, strict=False)
    heads = ("predictor.upsample_cnn", "predictor.blstm", "predictor.cif_output2")
    if unknown or not all(name.startswith(heads) for name in missing):
        raise ValueError(f"the recogniser does not fit: missing {missing}, unknown {unknown}")
    return model


def train_aligner(model: Any, examples: list[Example], moments: Moments, epochs: int) -> None:
    """Train only the head; recognition is unchanged."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    model.eval()
    head = [
        parameter
        for module in ("upsample_cnn", "blstm", "cif_output2")
        for parameter in getattr(model.predictor, module).parameters()
    ]
    steps = epochs * sum(1 for _ in batches(examples, np.random.default_rng(0)))
    optimiser = torch.optim.AdamW(head, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 9)
    started = time.monotonic()
    for epoch in range(epochs):
        losses = []
        for batch in batches(examples, random):
            loss = _alignment_loss(model, batch, moments)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(head, 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        passed_s = time.monotonic() - started
        print(f"timestamps epoch {epoch} loss {np.mean(losses):.4f} {passed_s:.0f} s", flush=True)


def _alignment_loss(model: Any, batch: list[Example], moments: Moments) -> torch.Tensor:
    """Return the mean distance between accumulated weights and target over unpadded frames."""
    tensors = collate(batch, moments)
    with torch.no_grad():
        hidden, lengths = model.encode(tensors["speech"], tensors["speech_lengths"])
    frames = UPSAMPLING * hidden.shape[1]
    targets = torch.from_numpy(
        np.stack([target_curve(example.words_ms, frames) for example in batch])
    )
    valid = torch.arange(frames)[None] < UPSAMPLING * lengths[:, None]
    weights = head_weights(model.predictor, hidden) * valid
    weights = weights * (targets[:, -1:] / weights.sum(1, keepdim=True))
    slopes = torch.diff(targets, dim=1, prepend=torch.zeros(len(batch), 1))
    distance = (weights.cumsum(1) - targets).abs() + 2.0 * (weights - slopes).abs()
    return torch.sum(distance * valid) / torch.sum(valid)


def head_weights(predictor: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Return the head's weight per 20 ms frame, as in `CifPredictorV3.get_upsample_timestamp`."""
    upsampled = predictor.upsample_cnn(hidden.transpose(1, 2)).transpose(1, 2)
    states, _ = predictor.blstm(upsampled)
    return torch.sigmoid(torch.squeeze(predictor.cif_output2(states), -1))
