"""Clustering hours of many turns: later runs use no more threads than the first, and no UMAP."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from funasr.models.campplus.cluster_backend import ClusterBackend, UmapHdbscan

from funasr_fleet.worker.process.hardware import plan_slot
from tests.support.speech import cluster_clips, one_to_one, random_turns, speaker_embeddings

pytestmark = pytest.mark.slow

THREADS = 2
TURNS, WINDOWS = 2400, 2
"""In an hour with many turns; 4,800 windows are more than FunASR clusters without UMAP."""


def test_without_the_limit_funasr_clusters_with_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: object) -> None:
        raise InterruptedError("umap")

    monkeypatch.setattr(UmapHdbscan, "__call__", reached)
    rows = np.concatenate(speaker_embeddings(random_turns(4, TURNS), WINDOWS))
    with pytest.raises(InterruptedError, match="umap"):
        ClusterBackend()(rows, oracle_num=None)


def test_later_hours_use_the_same_threads_as_the_first() -> None:
    plan = plan_slot(0, ["cpu"], THREADS, THREADS)
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        env={**os.environ, **plan.environment},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    hours = json.loads(done.stdout.splitlines()[-1])
    assert all(hour["right"] for hour in hours)
    assert [hour["torch"] for hour in hours] == [THREADS] * 3
    assert len({hour["process"] for hour in hours}) == 1
    assert not hours[-1]["umap"]


def _cluster_an_hour(seed: int) -> dict[str, object]:
    who = random_turns(4, TURNS, seed)
    voices = speaker_embeddings(who, WINDOWS, seed=seed)
    labels = cluster_clips(voices)
    return {
        "right": one_to_one(labels, who) and len(set(labels)) == 4,
        "torch": torch.get_num_threads(),
        "process": psutil.Process().num_threads(),
        "umap": any(name.partition(".")[0] == "umap" for name in sys.modules),
    }


if __name__ == "__main__":  # run by the test above in a new process
    torch.set_num_threads(THREADS)
    print(json.dumps([_cluster_an_hour(seed) for seed in (1, 2, 3)]))
