"""Every fast path against its stock counterpart, with FunASR's own classes."""

import functools
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import funasr
import numpy as np
import pytest
import torch
from funasr.models.bicif_paraformer import cif_predictor
from funasr.utils import fbank as kaldi
from numpy.typing import NDArray

from funasr_fleet.demo_model import DEMO_ASR, DEMO_VAD
from funasr_fleet.embedded.samples import SAMPLES, load_samples
from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.engine.families import family_of
from funasr_fleet.worker.engine.fast import detector, predictor, recogniser
from funasr_fleet.worker.engine.fast.detector import FeatureWindow
from funasr_fleet.worker.engine.fast.features import FilterBank
from funasr_fleet.worker.engine.interface import (
    BLOCK_SAMPLES,
    Clip,
    Hints,
    Samples,
    as_clip,
    find_speech,
)
from funasr_fleet.worker.engine.stock import StockDetector, StockRecogniser
from funasr_fleet.worker.errors import ModelError
from tests.support.small_models.parts import save_random
from tests.support.small_models.recognisers import seaco_of_the_demo

REAL_VAD = Path(
    os.environ.get("FLEET_TEST_VAD", Path(__file__).parents[3] / "shared/data/fsmn-vad")
)
"""Directory of a real FSMN-VAD, if present; FLEET_TEST_VAD overrides it."""

MIXTURES = 120


def load(model: Path) -> Any:
    quiet = {"disable_update": True, "disable_pbar": True, "disable_log": True}
    loaded = funasr.AutoModel(model=str(model), device="cpu", ncpu=1, **quiet)
    family_of(loaded).prepare(loaded.model)
    return loaded


@functools.cache
def decode(name: str) -> Samples:
    with (SAMPLES / name).open("rb") as file:
        return decode_file(file).samples(None)


SPOKEN = [one.name for one in load_samples() if one.expect == "ok"]


def mixture(random: np.random.Generator) -> Samples:
    """Random cuts of speech, silence, noise and clicks, from 0.1 seconds to two minutes."""
    wanted = random.choice([0.1, 1, 3, 10, 30, 75, 130]) * random.uniform(0.5, 1.2)
    parts: list[Samples] = []
    while sum(map(len, parts)) < wanted * 16_000:
        part: NDArray[np.floating[Any]]
        match random.integers(5):
            case 0 | 1:
                spoken = decode(SPOKEN[random.integers(len(SPOKEN))])
                start = random.integers(len(spoken) - 1600)
                part = spoken[start : start + random.integers(800, 160_000)]
                part = part * random.uniform(0.05, 1.2)
            case 2:
                part = np.zeros(random.integers(800, 64_000))
            case 3:
                part = random.standard_normal(random.integers(800, 48_000))
                part = part * 10 ** random.uniform(-5, -1)
            case _:
                part = np.zeros(random.integers(800, 8_000))
                part[random.integers(len(part))] = 1.0
        parts.append(part.astype(np.float32))
    mixed = np.clip(np.concatenate(parts), -1, 1)
    hiss = random.standard_normal(len(mixed)) * 10 ** random.uniform(-6, -2)
    if random.random() < 0.1 and len(mixed) >= 960_000:
        mixed, hiss = mixed[:960_000], hiss[:960_000]  # exactly one FunASR chunk
    return np.ascontiguousarray(mixed + hiss, dtype=np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("weights", [DEMO_VAD, REAL_VAD], ids=["demo", "real"])
def test_the_fast_detector_finds_the_same_speech_as_the_stock_one(weights: Path) -> None:
    if not weights.exists():
        pytest.skip(f"no weights at {weights}")
    model = load(weights)
    assert detector.applies(model)
    fast = detector.FastDetector(model, "cpu", FilterBank("cpu"))
    stock, random, segments = StockDetector(model), np.random.default_rng(20261122), 0
    for number in range(MIXTURES):
        samples = mixture(random)
        found = [clip.span for clip in find_speech(fast.start_vad(), samples)]
        try:
            expected = [clip.span for clip in find_speech(stock.start_vad(), samples)]
        except ModelError:  # FunASR computes log(0) when silence has probability 1
            continue
        assert found == expected, f"mixture {number} of {len(samples) / 16_000:.1f} s"
        segments += len(found)
    assert segments > MIXTURES


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [7, 60, 63, 120, 200])
def test_the_stock_detector_finds_the_same_speech_in_chunks_of_a_minute(seconds: int) -> None:
    model, random = load(DEMO_VAD), np.random.default_rng(seconds)
    mixed = np.concatenate([mixture(random) for _ in range(60)])[: seconds * 16_000]
    (whole,) = model.generate(input=[mixed])
    listener = StockDetector(model).start_vad()
    blocks = [mixed[at : at + BLOCK_SAMPLES] for at in range(0, len(mixed), BLOCK_SAMPLES)]
    early = [clip for block in blocks for clip in listener.push(block)]
    clips = early + listener.flush()
    assert bool(early) == (len(blocks) > 1)
    assert [[clip.span.start_ms, clip.span.end_ms] for clip in clips] == whole["value"]
    assert clips
    for clip in clips:
        assert np.array_equal(clip.samples, mixed[clip.span.samples])


def test_a_temporary_lack_of_memory_does_not_change_detected_speech(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = np.concatenate([decode(name) for name in SPOKEN * 2])
    fast = detector.FastDetector(load(DEMO_VAD), "cpu", FilterBank("cpu"))
    expected = find_speech(fast.start_vad(), samples)
    calls: Counter[str] = Counter()

    def fails_at_first(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            calls[name] += 1
            result = act(*args)
            if calls[name] in (1, 4):
                raise torch.OutOfMemoryError(name)
            return result

        return called

    monkeypatch.setattr(FeatureWindow, "clip", fails_at_first("clip", FeatureWindow.clip))
    monkeypatch.setattr(fast, "filterbank", fails_at_first("features", fast.filterbank))
    monkeypatch.setattr(fast, "silence", fails_at_first("silence", fast.silence))
    out_of_memory: list[None] = []
    found = find_speech(fast.start_vad(lambda: out_of_memory.append(None)), samples)
    assert len(samples) > 2 * BLOCK_SAMPLES
    assert len(out_of_memory) == 5  # once per step that ran out of memory
    assert [clip.span for clip in found] == [clip.span for clip in expected]
    for clip, before in zip(found, expected, strict=True):
        assert torch.equal(clip.features, before.features)


def test_digital_silence_is_not_an_error() -> None:
    fast = detector.FastDetector(load(DEMO_VAD), "cpu", FilterBank("cpu"))
    assert find_speech(fast.start_vad(), np.zeros(160_000, np.float32)) == []


def test_features_equal_those_of_kaldi() -> None:
    for name in SPOKEN:
        samples = torch.from_numpy(decode(name).copy())
        expected = kaldi.fbank(
            samples[None] * 32768,
            num_mel_bins=80,
            dither=0.0,
            energy_floor=0.0,
            window_type="hamming",
            sample_frequency=16_000,
        )
        difference = (FilterBank("cpu")(samples) - expected).abs()
        assert difference.max() < 2e-3, name
        assert difference.mean() < 2e-5, name


@pytest.mark.slow
def test_tokens_fire_on_the_same_frames_with_the_same_embeddings() -> None:
    torch.manual_seed(0)
    for _ in range(200):
        batch, frames = (int(torch.randint(1, most, ())) for most in (9, 300))
        alphas = (torch.rand(batch, frames) ** 2 * torch.rand(()) * 2).clamp(max=1.0)
        hidden = torch.randn(batch, frames, 16)
        alphas = torch.cat([alphas, torch.full((batch, 1), 0.45)], 1)
        hidden = torch.cat([hidden, torch.zeros(batch, 1, 16)], 1)
        try:
            embeddings, fires = cif_predictor.cif(hidden, alphas, 1.0)
        except RuntimeError:  # FunASR pads by a negative length when rounding drops a token
            continue
        ours, our_fires = predictor.cif(hidden, alphas, 1.0)
        assert torch.equal(fires, our_fires)
        torch.testing.assert_close(ours, embeddings, atol=2e-6, rtol=1e-5)
        threshold = 1.0 - 1e-4
        stock = cif_predictor.cif_wo_hidden(alphas, threshold)
        assert torch.equal(stock, predictor.cif_wo_hidden(alphas, threshold))


def test_the_fast_recogniser_returns_the_same_words_and_times() -> None:
    model = load(DEMO_ASR)
    assert recogniser.applies(model)
    bank = FilterBank("cpu")
    fast, stock = recogniser.FastRecogniser(model, "cpu", bank), StockRecogniser(model)
    finder = detector.FastDetector(load(DEMO_VAD), "cpu", bank)
    clips: list[Clip] = []
    for name in SPOKEN:
        clips += find_speech(finder.start_vad(), decode(name))
    assert len(clips) > 50
    expected = [stock.recognise([clip], Hints())[0] for clip in clips]
    assert [fast.recognise([clip], Hints())[0] for clip in clips] == expected
    assert fast.recognise(clips, Hints()) == expected  # independent of the batch


def test_seaco_without_hotwords_uses_the_fast_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(save_random(tmp_path, seaco_of_the_demo()))
    assert recogniser.applies(model)
    bank = FilterBank("cpu")
    fast, stock = recogniser.FastRecogniser(model, "cpu", bank), StockRecogniser(model)
    samples = decode(SPOKEN[0])
    clips = [as_clip(samples[:length]) for length in (9_000, 20_000, 47_000)]
    expected = [stock.recognise([clip], Hints())[0] for clip in clips]
    assert any(one.text for one in expected)
    assert fast.recognise(clips, Hints()) == expected
    monkeypatch.setattr(StockRecogniser, "recognise", lambda _, clips, hints: [(clips, hints)])
    hints = Hints(hotwords=("nine",))
    asked: list[Any] = fast.recognise(clips, hints)
    assert asked == [(clips, hints)]  # with hotwords the stock path is used
