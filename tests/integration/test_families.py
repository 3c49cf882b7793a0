"""The contract of every family, tested with the pipeline and FunASR's own classes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.contract.job import AudioRef, Options, Shard
from funasr_fleet.demo_model import DEMO_ASR, DEMO_CANARY
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.settings import Settings
from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.engine.families import FAMILIES, family_of, registered_name
from funasr_fleet.worker.engine.funasr import FunasrEngine
from funasr_fleet.worker.engine.interface import Hints, as_clip, find_speech
from funasr_fleet.worker.engine.loader import build_engine
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.pipeline.fetch import Fetcher
from funasr_fleet.worker.pipeline.pipeline import Pipeline
from funasr_fleet.worker.pipeline.result_writer import RunContext
from funasr_fleet.worker.process.hardware import SlotPlan
from funasr_fleet.worker.text.tokens import join_texts
from tests.support.audio import noise, tone, wav
from tests.support.fake_pipeline import decoders
from tests.support.memory_store import MemoryStore
from tests.support.small_models.nano_and_whisper import (
    make_english_whisper,
    make_nano,
    make_nano_with_ctc,
    make_whisper,
)
from tests.support.small_models.parts import save_random
from tests.support.small_models.recognisers import (
    make_conformer,
    make_contextual,
    make_ctc,
    make_paraformer,
    make_transformer,
    seaco_of_the_demo,
)
from tests.support.small_models.sensevoice import make_sensevoice

PLAN = SlotPlan(slot=0, visible="", device="cpu", threads=1)
WHO = RunContext(job=None, attempt=1, retries=0, worker="w", slot=0)


def _seaco(directory: Path) -> Path:
    return save_random(directory, seaco_of_the_demo())


MODELS: dict[str, Callable[[Path], Path]] = {
    "BiCifParaformer": lambda _: DEMO_ASR,
    "SeacoParaformer": _seaco,
    "Paraformer": make_paraformer,
    "ContextualParaformer": make_contextual,
    "SenseVoiceSmall": make_sensevoice,
    "FunASRNano": make_nano,
    "FunASRNano with CTC, but no torchaudio": make_nano_with_ctc,
    "WhisperWarp": make_whisper,
    "WhisperWarp for English": make_english_whisper,
    "Conformer": make_conformer,
    "Transformer": make_transformer,
    "CTC": make_ctc,
}
RECORDINGS = ("order-numbers.flac", "pin-code.wav", "reading.ogg", "silence.flac")


IN_BRIEF = {"BiCifParaformer", "SenseVoiceSmall", "FunASRNano", "WhisperWarp"}
"""The others are slow tests."""
EACH = [pytest.param(name, marks=() if name in IN_BRIEF else pytest.mark.slow) for name in MODELS]


@pytest.fixture(scope="module", params=EACH)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("model")
    model = MODELS[request.param](directory)
    return build_engine(Settings(model=str(model), vad_model="demo"), PLAN)


@pytest.fixture(scope="module")
def results(engine: FunasrEngine) -> dict[str, Any]:
    """The .json of every recording, and of one too short for speech."""
    store = MemoryStore("in", "out")
    names = [*RECORDINGS, "short.wav"]
    for name in RECORDINGS:
        store.write(f"s3://in/{name}", (SAMPLES / name).read_bytes(), "")
    store.write("s3://in/short.wav", wav(tone(0.05)), "")
    wanted = Options(timestamps="word" if engine.abilities.word_times else "segment")
    shard = Shard(
        schema_version=1,
        shard="s",
        output="s3://out/",
        files=tuple(AudioRef(audio=f"s3://in/{name}") for name in names),
        options=wanted,
    )
    fetcher = Fetcher(
        store=store,
        decoders=decoders(),
        model_revision=engine.identity.model_revision,
        abilities=engine.abilities,
        limits=Limits(audio_s=600),
    )
    pipeline = Pipeline(engine=engine, observe=ignore, fetcher=fetcher)
    pipeline.run(shard, WHO, lambda ref, finished: None)
    return {name: json.loads(store.read(f"s3://out/{name}.json")) for name in names}


def test_every_family_is_tested() -> None:
    tested = {name.split()[0] for name in MODELS}
    assert all(family.classes & tested for family in FAMILIES)


def test_there_is_one_result_per_input(results: dict[str, Any]) -> None:
    assert results["silence.flac"]["text"] == ""
    assert results["order-numbers.flac"]["text"]


def test_joined_segments_equal_the_text(results: dict[str, Any]) -> None:
    for result in results.values():
        assert join_texts([one["text"] for one in result["segments"]]) == result["text"]


def test_times_are_ordered_and_within_the_audio(results: dict[str, Any]) -> None:
    for result in results.values():
        times = [ms for one in result["segments"] for ms in (one["start_ms"], one["end_ms"])]
        assert times == sorted(times)
        assert all(0 <= ms <= result["audio"]["duration_ms"] for ms in times)


def test_word_times_are_present_where_the_model_supports_them(
    engine: FunasrEngine, results: dict[str, Any]
) -> None:
    segments = [one for result in results.values() for one in result["segments"]]
    assert any(one["words"] for one in segments) is engine.abilities.word_times
    for one in segments:
        times = [ms for word in one["words"] or () for ms in (word["start_ms"], word["end_ms"])]
        assert times == sorted(times)
        assert all(one["start_ms"] <= ms <= one["end_ms"] for ms in times)


def test_other_supported_fields_are_present(engine: FunasrEngine, results: dict[str, Any]) -> None:
    segments = [one for result in results.values() for one in result["segments"]]
    can = engine.abilities
    assert any("language" in one for one in segments) is can.detects_language
    assert any(one["confidence"] is not None for one in segments) is can.confidence
    assert all(one["confidence"] is None or 0 < one["confidence"] <= 1 for one in segments)


def test_the_family_table_names_the_class_of_the_model(engine: FunasrEngine) -> None:
    model = engine._models["recogniser"]
    assert registered_name(model) in family_of(model).classes


def test_the_text_of_a_clip_does_not_depend_on_its_batch(engine: FunasrEngine) -> None:
    clips = [as_clip(noise(seconds, seed)) for seed, seconds in enumerate((1.0, 4.0, 0.3, 2.0))]
    together = engine.recognise(clips, Hints())
    for clip, result in zip(clips, together, strict=True):
        (alone,) = engine.recognise([clip], Hints())
        assert alone.text == result.text


def test_hotwords_and_languages_reach_the_model_that_takes_them(engine: FunasrEngine) -> None:
    can = engine.abilities
    words = ("httpd", "nine five") if can.hotwords else ()
    for language in [None, *(can.languages or ())[:2]]:
        result = engine.recognise([as_clip(noise(2.0))], Hints(language=language, hotwords=words))
        assert len(result) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["WhisperWarp", "FunASRNano", "SenseVoiceSmall", "Paraformer"])
def test_the_model_starts_and_transcribes_in_bf16(name: str, tmp_path: Path) -> None:
    model = MODELS[name](tmp_path)
    settings = Settings(model=str(model), vad_model="demo", precision="bf16")
    engine = build_engine(settings, PLAN)
    (result,) = engine.recognise([as_clip(noise(2.0))], Hints())
    assert result.text


def test_confidence_is_present_with_hotwords(tmp_path: Path) -> None:
    engine = build_engine(Settings(model=str(_seaco(tmp_path)), vad_model="demo"), PLAN)
    clip = as_clip(noise(2.0))
    (plain,) = engine.recognise([clip], Hints())
    (with_hotwords,) = engine.recognise([clip], Hints(hotwords=("nine",)))
    assert plain.confidence
    assert with_hotwords.confidence
    assert (
        engine.recognise([clip] * 3, Hints(hotwords=("nine",) * 60))
        == [engine.recognise([clip], Hints(hotwords=("nine",) * 60))[0]] * 3
    )


@pytest.fixture(scope="module")
def sense(tmp_path_factory: pytest.TempPathFactory) -> FunasrEngine:
    model = make_sensevoice(tmp_path_factory.mktemp("sense"))
    return build_engine(Settings(model=str(model), vad_model="silero-vad"), PLAN)


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_sense_voice_uses_the_given_language(sense: FunasrEngine, language: str) -> None:
    clips = [as_clip(noise(3.0)), as_clip(noise(1.0))]
    for result in sense.recognise(clips, Hints(language=language)):
        assert result.language == language
        assert "<|" not in result.text


def test_sense_voice_returns_word_times_when_requested(sense: FunasrEngine) -> None:
    clips = [as_clip(noise(2.0)), as_clip(noise(0.05)), as_clip(noise(1.0, seed=3))]
    without = sense.recognise(clips, Hints())
    timed = sense.recognise(clips, Hints(word_times=True))
    assert [one.text for one in timed] == [one.text for one in without]
    assert [bool(one.words) for one in without] == [False] * 3
    assert timed[0].words


def test_silero_detects_the_speech_of_the_canary(sense: FunasrEngine) -> None:
    with DEMO_CANARY.open("rb") as file:
        samples = decode_file(file).samples(None)
    clips = find_speech(sense.start_vad(), samples)
    assert clips
    assert sum(clip.seconds for clip in clips) > 0.3 * len(samples) / 16_000


def test_the_revision_covers_the_weights_of_every_model(
    sense: FunasrEngine, tmp_path: Path
) -> None:
    model = make_sensevoice(tmp_path)
    other = build_engine(Settings(model=str(model), vad_model="demo"), PLAN)
    assert other.identity.model_revision != sense.identity.model_revision
