"""Whose voice: embeddings of windows of equal length, so that any number go through at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from funasr.models.campplus.utils import sv_chunk

from worker.engine.interface import Clip, Samples, Voice
from worker.engine.stock import generate

_WINDOWS_AT_ONCE = 64


class Voices:
    """A speaker model of FunASR."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def hear(self, clips: Sequence[Clip]) -> list[Voice]:
        """One embedding per clip: the mean over FunASR's windows of 1.5 s."""
        windows = [_windows(clip.samples) for clip in clips]
        flat = [window for some in windows for window in some]
        embeddings: list[Voice] = []
        for start in range(0, len(flat), _WINDOWS_AT_ONCE):
            (result,) = generate(self._model, flat[start : start + _WINDOWS_AT_ONCE])
            embeddings.extend(result["spk_embedding"].float().cpu().numpy())
        rest = iter(embeddings)
        return [np.mean([next(rest) for _ in some], axis=0) for some in windows]


def _windows(samples: Samples) -> list[Samples]:
    return [np.asarray(window) for _, _, window in sv_chunk([[0.0, 0.0, samples]])]


def tell_apart(voices: Sequence[Voice]) -> list[str]:
    """A label per voice, by FunASR's own clustering."""
    from funasr.models.campplus.cluster_backend import ClusterBackend  # brings scikit-learn

    if len(voices) <= 1:
        return ["0"] * len(voices)
    return [str(int(label)) for label in ClusterBackend()(np.stack(voices), oracle_num=None)]
