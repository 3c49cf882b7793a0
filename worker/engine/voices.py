"""Whose voice: embeddings of windows of equal length, so that any number go through at once.

FunASR clusters the windows of a recording by UMAP and HDBSCAN when there are 2,048 or more of
them: minutes for a recording of hours, numba beside it raises torch's threads, and from then on
everything is slow. Here a bounded number of windows goes through its clustering for fewer, and the
others go to the speaker they are nearest to.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from funasr.models.campplus.cluster_backend import ClusterBackend
from funasr.models.campplus.utils import sv_chunk
from threadpoolctl import threadpool_limits

from worker.engine.interface import Clip, Samples, Voice
from worker.engine.stock import generate
from worker.planning import speakers
from worker.planning.spans import SAMPLES_PER_MS

_WINDOWS_AT_ONCE = 64

MOST_CLUSTERED = 1000
"""Windows that are clustered: 0.2 s and 30 MB on one thread; 2,047 take 1.1 s and 90 MB."""

_FEWEST_CLUSTERED = 20
"""ClusterBackend calls fewer windows, 15 s of speech, one speaker, even if told how many."""


class Voices:
    """A speaker model of FunASR: CAM++, ERes2NetV2, or another that takes samples like these."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def hear(self, clips: Sequence[Clip]) -> list[Voice]:
        """An embedding per window of 1.5 s of each clip, shape (windows, dimensions).

        Each clip has one window at least; what is shorter is filled up with silence.
        """
        windows = [_windows(clip.samples) for clip in clips]
        flat = [window for some in windows for window in some]
        embeddings: list[Voice] = []
        for start in range(0, len(flat), _WINDOWS_AT_ONCE):
            (result,) = generate(self._model, flat[start : start + _WINDOWS_AT_ONCE])
            embeddings.extend(result["spk_embedding"].float().cpu().numpy())
        rest = iter(embeddings)
        return [np.stack([next(rest) for _ in some]) for some in windows]


def _windows(samples: Samples) -> list[Samples]:
    """As FunASR cuts them, but one of silence where it has none: for no samples."""
    some = samples if len(samples) else np.zeros(SAMPLES_PER_MS, np.float32)
    return [np.asarray(window) for _, _, window in sv_chunk([[0.0, 0.0, some]])]


def tell_apart(
    voices: Sequence[Voice], count: int | None = None, seconds: Sequence[float] = ()
) -> list[list[str]]:
    """A label per window of each voice of one recording; see worker.planning.speakers.turns.

    Args:
        voices: in order of time; each an embedding per window.
        count: how many speakers there are; None lets FunASR's clustering find out.
        seconds: length of each voice's clip; short ones are rather not clustered.

    Returns:
        "0" for who speaks first, "1" for who speaks next for the first time, and so on. The same
        voices always get the same labels.
    """
    if not voices:
        return []
    each = [np.atleast_2d(voice) for voice in voices]
    lengths_s = np.asarray(seconds or [1.0] * len(each), np.float64)
    weights = np.repeat(
        np.minimum(lengths_s, speakers.WINDOW_MS / 1000), [len(rows) for rows in each]
    )
    rest = iter(speakers.renumber(_label(np.concatenate(each), weights, count).tolist()))
    return [[next(rest) for _ in rows] for rows in each]


def _label(rows: Voice, weights: Any, count: int | None) -> speakers.Labels:
    """A cluster per row."""
    known = speakers.audible(rows)
    heard = rows[known]
    labels = np.zeros(len(rows), np.int64)
    if count == 1 or len(heard) <= 1:
        return labels
    chosen = speakers.choose(weights[known], MOST_CLUSTERED)
    clusters = _cluster(heard[chosen], count)
    near = speakers.nearest(heard, speakers.centroids(heard[chosen], clusters))
    near[chosen] = clusters
    labels[known] = near
    return speakers.lend(labels, known)


def _cluster(rows: Voice, count: int | None) -> speakers.Labels:
    """What FunASR's clustering says of a bounded number of rows, counted from 0 without gaps."""
    backend = ClusterBackend()
    with _held_threads(), _same_lots():
        if count is not None and len(rows) < _FEWEST_CLUSTERED:
            found = backend.kmeans_cluster(rows, min(count, len(rows)))
        else:
            found = backend(rows, oracle_num=None if count is None else min(count, len(rows)))
    labels: speakers.Labels = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return labels


@contextlib.contextmanager
def _held_threads() -> Iterator[None]:
    """Clustering multiplies and decomposes matrices by BLAS and OpenMP of its own."""
    threads = torch.get_num_threads()
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _same_lots() -> Iterator[None]:
    """FunASR's k-means draws its first centres from numpy's common lots."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
