"""The real Whisper tiny.en on real recordings: its words, no hallucinated words, and its weights.

Needs trained weights, which are not in the repository: FLEET_TEST_WHISPER names the model
directory, FLEET_TEST_SPEECH a folder of recordings, FLEET_TEST_VAD the real FSMN-VAD.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.settings import Settings
from funasr_fleet.worker.audio.decoding.decode import decode_file
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.engine.interface import Hints, as_clip
from funasr_fleet.worker.engine.loader import build_engine
from funasr_fleet.worker.errors import ModelUnusable
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.pipeline.fetch import Fetcher
from funasr_fleet.worker.pipeline.pipeline import Pipeline
from funasr_fleet.worker.process.hardware import SlotPlan
from funasr_fleet.worker.text.spans import SAMPLE_RATE
from tests.support.examples import who
from tests.support.fake_pipeline import decoders
from tests.support.memory_store import MemoryStore

SHARED = Path(__file__).parents[3] / "shared/data"
WHISPER = Path(os.environ.get("FLEET_TEST_WHISPER", "not given"))
SPEECH = Path(os.environ.get("FLEET_TEST_SPEECH", SHARED / "speech"))
VAD = Path(os.environ.get("FLEET_TEST_VAD", SHARED / "fsmn-vad"))
JFK = (
    "and so my fellow americans ask not what your country can do for you "
    "ask what you can do for your country"
)
PLAN = SlotPlan(slot=0, visible="", device="cpu", threads=1)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(folder.is_dir() for folder in (WHISPER, SPEECH, VAD)),
        reason="FLEET_TEST_WHISPER, FLEET_TEST_SPEECH and FLEET_TEST_VAD name trained models and "
        "recordings",
    ),
]


@pytest.fixture(scope="module", params=["fsmn-vad", "demo"])
def results(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The .json and the openai-verbose.json of each recording, with both VAD models."""
    vad = "demo" if request.param == "demo" else str(VAD)
    engine = build_engine(Settings(model=str(WHISPER), vad_model=vad), PLAN)
    store = MemoryStore("in", "out")
    names = [path.name for path in sorted(SPEECH.iterdir())]
    for name in names:
        store.write(f"s3://in/{name}", (SPEECH / name).read_bytes(), "")
    shard = Shard.from_message(
        {
            "schema": 1,
            "shard": "s",
            "output": "s3://out/",
            "files": [AudioRef(audio=f"s3://in/{name}").model_dump() for name in names],
            "options": {"formats": ["json", "openai-verbose"]},
        }
    )
    fetcher = Fetcher(
        store=store,
        decoders=decoders(),
        model_revision=engine.identity.model_revision,
        abilities=engine.abilities,
        limits=Limits(audio_s=600),
    )
    Pipeline(engine=engine, observe=ignore, fetcher=fetcher).run(
        shard, who(job=None), lambda ref, finished: None
    )
    endings = (".json", ".openai-verbose.json")
    read = [f"{name}{ending}" for name in names for ending in endings]
    return {"vad": request.param} | {
        name: json.loads(store.read(f"s3://out/{name}")) for name in read
    }


def test_nothing_is_written_where_nobody_speaks(results: dict[str, Any]) -> None:
    document = results["silero_test.opus.json"]
    assert (document["text"], document["segments"]) == ("", [])
    assert "probably_no_speech" in document["warnings"]
    assert all(one["end_ms"] > one["start_ms"] and one["text"] for one in document["left_out"])
    if results["vad"] != "demo":
        assert [one["text"] for one in document["left_out"]] == ["Thank you.", "you"]


def test_every_word_is_kept_where_somebody_speaks(results: dict[str, Any]) -> None:
    if results["vad"] == "demo":
        pytest.skip("the demo VAD is trained on digits and misses words")
    document = results["jfk.flac.json"]
    assert "".join(c for c in document["text"].lower() if c.isalpha() or c == " ") == JFK
    assert "warnings" not in document
    assert "left_out" not in document
    (segment,) = results["jfk.flac.openai-verbose.json"]["segments"]
    assert 0 < segment["no_speech_prob"] < 0.1
    assert -0.3 < segment["avg_logprob"] < 0


def test_a_short_word_is_kept_although_whisper_doubts_that_it_is_speech() -> None:
    engine = build_engine(Settings(model=str(WHISPER), vad_model="demo"), PLAN)
    with (SPEECH / "stereo_diarization.wav").open("rb") as file:
        samples = np.ascontiguousarray(decode_file(file).samples(None))
    clip = as_clip(samples[int(3.89 * SAMPLE_RATE) : int(4.39 * SAMPLE_RATE)])
    (heard,) = engine.recognise([clip], Hints())
    assert (heard.text, heard.left_out) == ("on the left.", "")
    assert heard.probably_no_speech


def test_without_the_scope_map_of_its_configuration_it_is_refused(tmp_path: Path) -> None:
    config = yaml.safe_load((WHISPER / "config.yaml").read_text())
    del config["scope_map"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(WHISPER / "model.pt", tmp_path)
    with pytest.raises(ModelUnusable, match=r"(\d+) of \1 tensors are not in .*\(model\.encoder\."):
        build_engine(Settings(model=str(tmp_path), vad_model="demo"), PLAN)
