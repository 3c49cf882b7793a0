"""Real FunASR classes: the demo model, and small random models of classes it does not use."""

import json
from pathlib import Path

import numpy as np
import pytest

from funasr_fleet.demo_model import DEMO_CANARY
from funasr_fleet.embedded.samples import SAMPLES, load_samples
from funasr_fleet.producer.evaluation.scoring import score
from funasr_fleet.settings import Settings
from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.engine.checks import assert_device
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.interface import Clip, Hints, Samples, as_clip, find_speech
from funasr_fleet.worker.engine.loader import build_engine
from funasr_fleet.worker.errors import ModelError, ModelUnusable
from funasr_fleet.worker.process.hardware import SlotPlan
from funasr_fleet.worker.text.tokens import join_texts
from tests.support.small_models.auxiliary import CAMPPLUS
from tests.support.small_models.parts import save_random

PLAN = SlotPlan(slot=0, visible="", device="cpu", threads=1)


@pytest.fixture(scope="module")
def engine() -> FunasrEngine:
    return build_engine(Settings(model="demo"), PLAN)


@pytest.fixture
def samples() -> Samples:
    with DEMO_CANARY.open("rb") as file:
        return decode_file(file).samples(None)


@pytest.fixture
def whole(samples: Samples) -> Clip:
    return as_clip(samples)


def test_the_canary_gives_the_first_speed(engine: FunasrEngine) -> None:
    assert engine.canary_speed is not None
    assert engine.canary_speed > 0


def test_the_canary_is_transcribed(engine: FunasrEngine, samples: Samples) -> None:
    expected = json.loads(DEMO_CANARY.with_suffix(".json").read_text())["text"]
    recognised = engine.recognise(find_speech(engine.start_vad(), samples), Hints())
    assert join_texts([one.text for one in recognised]) == expected


def test_the_result_of_a_clip_does_not_depend_on_its_batch(
    engine: FunasrEngine, whole: Clip
) -> None:
    silence, tiny = (as_clip(np.zeros(count, np.float32)) for count in (16_000, 50))
    alone = engine.recognise([whole], Hints())[0]
    others = as_clip(whole.samples[:8000])
    mixed = engine.recognise([silence, whole, tiny, whole, others], Hints())
    assert len(mixed) == 5
    assert [mixed[1].text, mixed[3].text] == [alone.text, alone.text]
    assert engine.recognise([], Hints()) == []


def test_word_times_are_one_per_word_and_ordered(engine: FunasrEngine, whole: Clip) -> None:
    (recognised,) = engine.recognise([whole], Hints())
    assert recognised.words
    assert " ".join(word.text for word in recognised.words) == recognised.text
    times = [time for word in recognised.words for time in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert times[-1] <= len(whole.samples) / 16 + 60


@pytest.mark.parametrize("samples", [400, 401, 800, 1600, 3200])
def test_very_short_audio_is_not_an_error(engine: FunasrEngine, samples: int) -> None:
    assert find_speech(engine.start_vad(), np.zeros(samples, np.float32)) == []


def test_at_most_one_percent_of_the_words_of_the_samples_is_wrong(
    engine: FunasrEngine,
) -> None:
    errors = words = 0
    for sample in (one for one in load_samples() if one.expect == "ok"):
        with (SAMPLES / sample.name).open("rb") as file:
            clips = find_speech(engine.start_vad(), decode_file(file).samples(None))
        recognised = join_texts([one.text for one in engine.recognise(clips, Hints())])
        errors += score(sample.text, recognised, "wer").counts.errors
        words += (
            len(sample.text.replace(" ", ""))
            if sample.language == "zh"
            else len(sample.text.split())
        )
    assert words > 100
    assert errors <= 0.01 * words


def test_a_changed_thread_count_is_detected_and_reset(engine: FunasrEngine) -> None:
    import torch

    torch.set_num_threads(7)
    assert engine.hold_threads() == 7
    assert engine.hold_threads() == 1


def test_generate_keeps_the_planned_thread_count(engine: FunasrEngine, whole: Clip) -> None:
    engine.recognise([whole], Hints())
    assert engine.hold_threads() == PLAN.threads


def test_speaker_embedding_without_a_model_names_the_missing_setting(
    engine: FunasrEngine, whole: Clip
) -> None:
    with pytest.raises(ModelError, match="FLEET_SPK_MODEL"):
        engine.embed_speakers([whole])


def test_a_model_on_another_device_is_rejected() -> None:
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2, device="meta"))
    with pytest.raises(ModelUnusable, match="should be on cpu"):
        assert_device("recogniser", module, "cpu")


def test_unavailable_cuda_is_rejected() -> None:
    plan = SlotPlan(slot=0, visible="0", device="cuda:0", threads=1)
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ModelUnusable, match="sees no CUDA device"):
        build_engine(Settings(model="demo"), plan)


@pytest.fixture(scope="module")
def speaker_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random(tmp_path_factory.mktemp("campplus"), CAMPPLUS)


def test_a_speaker_model_labels_every_clip(speaker_model: Path, whole: Clip) -> None:
    engine = build_engine(Settings(model="demo", spk_model=str(speaker_model)), PLAN)
    other = as_clip(np.ascontiguousarray(whole.samples[::-1]))
    voices = engine.embed_speakers([whole, whole, other, whole])
    assert all(np.array_equal(voices[0], voices[n]) for n in (1, 3))
    (alone,) = engine.embed_speakers([whole])
    np.testing.assert_allclose(alone, voices[0], rtol=1e-4, atol=1e-5)
    labels = engine.cluster_speakers(voices)
    assert [len(one) for one in labels] == [len(voice) for voice in voices]
    assert labels[0] == labels[1] == labels[3]
