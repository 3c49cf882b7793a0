"""Speakers: windows are embedded in batches, and a limited number of them is clustered."""

from typing import Any

import funasr
import numpy as np
import pytest
import torch
from funasr.models.campplus.cluster_backend import ClusterBackend
from funasr.models.campplus.utils import sv_chunk
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from funasr_fleet.worker.engine.diarization import MOST_CLUSTERED, SpeakerEmbedder, cluster_speakers
from funasr_fleet.worker.engine.interface import Clip, as_clip
from funasr_fleet.worker.engine.stock import generate
from tests.support.small_models.auxiliary import CAMPPLUS, ERES2NET
from tests.support.small_models.parts import save_random
from tests.support.speech import cluster_clips, one_to_one, random_turns, speaker_embeddings

TURNS, WINDOWS = 2400, 2
"""In an hour with many turns; 4,800 windows are more than FunASR clusters without UMAP."""


@pytest.fixture(scope="module", params=[CAMPPLUS, ERES2NET], ids=["CAM++", "ERes2NetV2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = save_random(tmp_path_factory.mktemp("speaker"), request.param)
    return funasr.AutoModel(model=str(directory), disable_update=True, disable_log=True, ncpu=1)


def a_clip(seconds: float, hertz: float) -> Clip:
    times_s = np.arange(int(seconds * 16_000)) / 16_000
    hiss = np.random.default_rng(int(hertz)).normal(0, 0.01, len(times_s))
    return as_clip((0.3 * np.sign(np.sin(2 * np.pi * hertz * times_s)) + hiss).astype(np.float32))


@pytest.mark.slow
def test_embeddings_of_a_batch_match_those_of_single_clips(model: Any) -> None:
    clips = [a_clip(1 + number % 7, 80 + 40 * number) for number in range(16)]
    together = SpeakerEmbedder(model).embed(clips)
    assert sum(map(len, together)) > 64  # more than one batch
    for clip, voice in zip(clips[::5], together[::5], strict=True):
        (alone,) = SpeakerEmbedder(model).embed([clip])
        np.testing.assert_allclose(voice, alone, rtol=1e-4, atol=1e-5)
    assert not np.allclose(together[0][0], together[5][0], rtol=1e-2)


def test_a_clip_has_one_embedding_per_funasr_window(model: Any) -> None:
    clip = a_clip(4.1, 200)
    (voice,) = SpeakerEmbedder(model).embed([clip])
    windows = [window for _, _, window in sv_chunk([[0.0, 4.1, clip.samples]])]
    alone = [generate(model, [one])[0]["spk_embedding"][0].numpy() for one in windows]
    assert len(alone) == 5
    np.testing.assert_allclose(voice, np.stack(alone), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 399, 16_000, 24_000])
def test_short_and_silent_clips_have_one_finite_window(model: Any, samples: int) -> None:
    silence = Clip(as_clip(np.zeros(0, np.float32)).span, np.zeros(samples, np.float32))
    voices = SpeakerEmbedder(model).embed([a_clip(3, 300), silence])
    assert voices[1].shape == (1, 32)
    assert np.isfinite(voices[1]).all()
    assert SpeakerEmbedder(model).embed([]) == []


@pytest.mark.parametrize("count", [None, 4])
@pytest.mark.parametrize("turns", [30, 300, 5000])
def test_four_speakers_are_distinguished(turns: int, count: int | None) -> None:
    who = random_turns(4, turns)
    labels = cluster_clips(speaker_embeddings(who, 2), count)
    assert one_to_one(labels, who)
    assert list(dict.fromkeys(labels)) == ["0", "1", "2", "3"]


def test_up_to_the_limit_labels_equal_those_of_funasrs_clustering() -> None:
    who = random_turns(3, MOST_CLUSTERED // 2)
    rows = np.concatenate(speaker_embeddings(who, noise=2.5))
    own = ClusterBackend()(rows, oracle_num=None)
    assert one_to_one(cluster_clips(list(rows)), own.tolist())


def test_no_more_windows_than_the_limit_are_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    cluster = ClusterBackend.forward

    def watched(backend: Any, rows: NDArray[np.float32], **options: Any) -> Any:
        seen.append(len(rows))
        return cluster(backend, rows, **options)

    monkeypatch.setattr(ClusterBackend, "forward", watched)
    who = [0, 1] * MOST_CLUSTERED  # alternating speakers: every second one is the same
    assert one_to_one(cluster_clips(speaker_embeddings(who)), who)
    cluster_clips(speaker_embeddings(random_turns(4, TURNS), WINDOWS), count=4)
    assert seen == [MOST_CLUSTERED] * 2


def test_labels_do_not_depend_on_the_random_state() -> None:
    voices = speaker_embeddings(random_turns(5, 3000), noise=3.0)
    first = cluster_clips(voices)
    np.random.seed(5)
    drawn = np.random.rand()
    np.random.seed(5)
    assert cluster_clips(voices) == first
    assert np.random.rand() == drawn


@pytest.mark.parametrize("turns", [2, 7, 19, 25, 1500])
def test_one_speaker_gets_one_label(turns: int) -> None:
    assert cluster_clips(speaker_embeddings([0] * turns)) == ["0"] * turns
    assert cluster_clips(speaker_embeddings(random_turns(2, turns)), count=1) == ["0"] * turns


def test_a_few_clips_are_distinguished_when_the_speaker_count_is_given() -> None:
    who = [1, 0, 0, 2, 1]
    assert cluster_clips(speaker_embeddings(who), count=3) == ["0", "1", "1", "2", "0"]


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 30])
def test_a_speaker_count_above_the_number_of_clips_is_accepted(turns: int) -> None:
    labels = cluster_clips(speaker_embeddings([*range(turns)]) if turns else [], count=100)
    assert labels == [str(number) for number in range(turns)]


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0])
@pytest.mark.parametrize("count", [None, 2])
def test_a_clip_without_an_embedding_takes_the_preceding_label(
    nothing: float, count: int | None
) -> None:
    who = random_turns(2, 40)
    voices = speaker_embeddings(who)
    voices[0][:], voices[7][:] = nothing, nothing
    labels = cluster_clips(voices, count)
    assert one_to_one(labels[1:7] + labels[8:], who[1:7] + who[8:])
    assert (labels[0], labels[7]) == (labels[1], labels[6])
    assert cluster_clips([np.full(3, nothing, np.float32)] * 3, count) == ["0"] * 3


def test_two_speakers_in_one_span_are_labelled_by_window() -> None:
    first, second = speaker_embeddings([0, 1], 15)
    mixed = np.concatenate([second[:2], first[:4]])
    by_window = cluster_speakers([first, second, mixed])
    assert by_window == [["0"] * 15, ["1"] * 15, ["1", "1", "0", "0", "0", "0"]]
    assert cluster_clips([first, second, mixed]) == ["0", "1", "0"]


def test_short_clips_do_not_affect_the_clusters() -> None:
    who = random_turns(2, 2 * MOST_CLUSTERED)
    voices, hiss = speaker_embeddings(who), speaker_embeddings([0] * len(who), noise=20.0, seed=2)
    mixed = [one for pair in zip(voices, hiss, strict=True) for one in pair]
    labels = cluster_clips(mixed, seconds=[3.0, 0.2] * len(who))
    assert one_to_one(labels[::2], who)


def test_clustering_restores_the_thread_count_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    before, during = torch.get_num_threads(), []
    cluster = ClusterBackend.forward

    def runaway(backend: Any, rows: NDArray[np.float32], **options: Any) -> Any:
        during.append({pool["num_threads"] for pool in threadpool_info()})
        torch.set_num_threads(7)
        return cluster(backend, rows, **options)

    monkeypatch.setattr(ClusterBackend, "forward", runaway)
    try:
        torch.set_num_threads(1)
        cluster_clips(speaker_embeddings(random_turns(2, 100)))
        assert torch.get_num_threads() == 1
        assert during == [{1}]
    finally:
        torch.set_num_threads(before)
