"""Speaker embeddings of windows of equal length, and their clustering into speakers.

FunASR clusters the windows of a recording by UMAP and HDBSCAN when there are 2,048 or more of
them. This takes minutes for a recording of hours, and numba then raises torch's thread count, which
slows down everything after it. Here a bounded number of windows goes through FunASR's clustering
for smaller inputs; every other window is assigned to the nearest speaker.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from funasr.models.campplus.cluster_backend import ClusterBackend
from funasr.models.campplus.utils import sv_chunk
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from funasr_fleet.worker.engine.interface import Clip, Samples, SpeakerEmbeddings
from funasr_fleet.worker.engine.stock import generate
from funasr_fleet.worker.text import speakers
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS

_WINDOWS_PER_BATCH = 64

MOST_CLUSTERED = 1000
"""Maximum number of windows to cluster: 0.2 s and 30 MB on one thread (2,047: 1.1 s, 90 MB)."""

_FEWEST_CLUSTERED = 20
"""ClusterBackend labels fewer windows (15 s of speech) as one speaker, whatever oracle_num is."""


class SpeakerEmbedder:
    """A FunASR speaker model: CAM++, ERes2NetV2, or another that takes the same input."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def embed(self, clips: Sequence[Clip]) -> list[SpeakerEmbeddings]:
        """Embed each window of 1.5 s; one array of shape (windows, dimensions) per clip.

        Each clip has at least one window. A shorter clip is padded with silence.
        """
        windows = [_windows(clip.samples) for clip in clips]
        flat = [window for windows_of_clip in windows for window in windows_of_clip]
        embeddings: list[SpeakerEmbeddings] = []
        for start in range(0, len(flat), _WINDOWS_PER_BATCH):
            (result,) = generate(self._model, flat[start : start + _WINDOWS_PER_BATCH])
            embeddings.extend(result["spk_embedding"].float().cpu().numpy())
        rest = iter(embeddings)
        return [np.stack([next(rest) for _ in windows_of_clip]) for windows_of_clip in windows]


def _windows(samples: Samples) -> list[Samples]:
    """Cut a clip into FunASR's windows; an empty clip gets one window of silence."""
    audio = samples if len(samples) else np.zeros(SAMPLES_PER_MS, np.float32)
    return [np.asarray(window) for _, _, window in sv_chunk([[0.0, 0.0, audio]])]


def cluster_speakers(
    embeddings: Sequence[SpeakerEmbeddings], count: int | None = None, seconds: Sequence[float] = ()
) -> list[list[str]]:
    """Label each window of each clip of one recording with its speaker.

    worker.text.speakers.turns turns these labels into speaker turns.

    Args:
        embeddings: one array per clip, in order of time, with one row per window.
        count: number of speakers; None lets FunASR's clustering decide.
        seconds: length of each clip; long clips are preferred for clustering.

    Returns:
        "0" for the first speaker, "1" for the next new one, and so on. The same embeddings always
        get the same labels.
    """
    if not embeddings:
        return []
    rows_of_clips = [np.atleast_2d(rows) for rows in embeddings]
    lengths_s = np.asarray(seconds or [1.0] * len(rows_of_clips), np.float64)
    weights = np.repeat(
        np.minimum(lengths_s, speakers.WINDOW_MS / 1000), [len(rows) for rows in rows_of_clips]
    )
    labels = _label(np.concatenate(rows_of_clips), weights, count)
    rest = iter(speakers.renumber(labels.tolist()))
    return [[next(rest) for _ in rows] for rows in rows_of_clips]


def _label(
    rows: SpeakerEmbeddings, weights: NDArray[np.float64], count: int | None
) -> speakers.Labels:
    """The cluster of each row.

    Args:
        rows: embeddings, shape (windows, dimensions).
        weights: one weight per row; heavier rows are preferred for clustering.
        count: number of speakers, if known.
    """
    is_valid = speakers.nonzero_mask(rows)
    known_rows = rows[is_valid]
    labels = np.zeros(len(rows), np.int64)
    if count == 1 or len(known_rows) <= 1:
        return labels
    chosen = speakers.choose(weights[is_valid], MOST_CLUSTERED)
    clusters = _cluster(known_rows[chosen], count)
    labels_of_known = speakers.nearest(known_rows, speakers.centroids(known_rows[chosen], clusters))
    labels_of_known[chosen] = clusters
    labels[is_valid] = labels_of_known
    return speakers.fill_unclustered(labels, is_valid)


def _cluster(rows: SpeakerEmbeddings, count: int | None) -> speakers.Labels:
    """Cluster at most MOST_CLUSTERED rows with FunASR; labels count from 0 without gaps."""
    backend = ClusterBackend()
    with _fixed_threads(), _seeded_rng():
        if count is not None and len(rows) < _FEWEST_CLUSTERED:
            raw_labels = backend.kmeans_cluster(rows, min(count, len(rows)))
        else:
            raw_labels = backend(rows, oracle_num=None if count is None else min(count, len(rows)))
    labels: speakers.Labels = np.unique(raw_labels, return_inverse=True)[1].astype(np.int64)
    return labels


@contextlib.contextmanager
def _fixed_threads() -> Iterator[None]:
    """Keep the BLAS and OpenMP pools that clustering uses at torch's thread count."""
    threads = torch.get_num_threads()
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _seeded_rng() -> Iterator[None]:
    """Seed numpy's global RNG, which FunASR's k-means uses, so that labels are reproducible."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
