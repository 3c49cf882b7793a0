"""Each small model loads its weights and behaves as its docstring describes."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import funasr
import numpy as np
import pytest
import torch

from tests.support.audio import Samples, blip, noise, silence
from tests.support.small_models.auxiliary import make_eres2net, make_silero
from tests.support.small_models.nano_and_whisper import make_nano, make_nano_with_ctc, make_whisper
from tests.support.small_models.recognisers import (
    make_conformer,
    make_contextual,
    make_ctc,
    make_paraformer,
    make_transformer,
)
from tests.support.small_models.sensevoice import make_sensevoice

pytestmark = pytest.mark.slow

Make = Callable[[Path], Path]

needs_whisper = pytest.mark.skipif(not find_spec("whisper"), reason="openai-whisper is optional")
needs_silero = pytest.mark.skipif(not find_spec("silero_vad"), reason="silero-vad is optional")

RECOGNISERS = [
    pytest.param(make_sensevoice, 2, id="SenseVoiceSmall"),
    pytest.param(make_paraformer, 2, id="Paraformer"),
    pytest.param(make_contextual, 2, id="ContextualParaformer"),
    pytest.param(make_conformer, 1, id="Conformer by beam search"),
    pytest.param(make_conformer, 2, id="Conformer by CTC"),
    pytest.param(make_transformer, 1, id="Transformer by beam search"),
    pytest.param(make_transformer, 2, id="Transformer by CTC"),
    pytest.param(make_ctc, 1, id="CTC"),
    pytest.param(make_whisper, 1, id="WhisperWarp", marks=needs_whisper),
    pytest.param(make_nano, 2, id="FunASRNano"),
]


def load(directory: Path) -> Any:
    model = funasr.AutoModel(
        model=str(directory),
        device="cpu",
        ncpu=1,
        disable_update=True,
        disable_pbar=True,
        disable_log=True,
    )
    assert Path(model.kwargs["init_param"]).samefile(directory / "model.pt")
    return model


def transcribe(model: Any, clips: list[Samples], batch_size: int = 1, **options: Any) -> Any:
    """The results of `generate`, called with tensors because FunASRNano accepts nothing else."""
    tensors = [torch.from_numpy(clip) for clip in clips]
    return model.generate(input=tensors, batch_size=batch_size, **options)


@pytest.mark.parametrize(("make", "batch_size"), RECOGNISERS)
def test_noise_yields_a_text_for_each_clip(tmp_path: Path, make: Make, batch_size: int) -> None:
    results = transcribe(load(make(tmp_path)), [noise(2.0), noise(1.3, seed=3)], batch_size)
    assert len(results) == 2
    assert all(result["text"].strip() for result in results)


@pytest.mark.parametrize("make", [make_ctc, pytest.param(make_whisper, marks=needs_whisper)])
def test_some_models_do_not_support_batches(tmp_path: Path, make: Make) -> None:
    with pytest.raises(NotImplementedError):
        transcribe(load(make(tmp_path)), [noise(), noise()], 2)


def test_building_a_model_twice_gives_the_same_weights(tmp_path: Path) -> None:
    weights = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        weights.append(torch.load(make_sensevoice(tmp_path / name) / "model.pt"))
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-3, atol=1e-3)


def test_sensevoice_applies_its_options_and_returns_word_times(tmp_path: Path) -> None:
    model = load(make_sensevoice(tmp_path))
    options = {"language": "ja", "use_itn": True, "output_timestamp": True}
    speech, silent = transcribe(model, [noise(), silence()], 2, **options)
    assert speech["text"].startswith("<|ja|><|NEUTRAL|><|Speech|><|withitn|>")
    assert len(speech["words"]) == len(speech["timestamp"]) > 1
    assert silent["text"] == "<|nospeech|><|EMO_UNKNOWN|><|Event_UNK|><|withitn|>"
    assert "words" not in silent
    assert "<|" not in speech["text"].removeprefix("<|ja|><|NEUTRAL|><|Speech|><|withitn|>")


def test_paraformer_fails_when_the_last_clip_of_a_batch_has_no_token(tmp_path: Path) -> None:
    model = load(make_paraformer(tmp_path))
    assert [bool(item["text"]) for item in transcribe(model, [blip(), noise()], 2)] == [False, True]
    with pytest.raises(IndexError):
        transcribe(model, [noise(), blip()], 2)


def test_paraformer_returns_token_times(tmp_path: Path) -> None:
    (result,) = transcribe(load(make_paraformer(tmp_path)), [noise()], output_timestamp=True)
    assert len(result["timestamp"]) == len(result["text"].split()) > 1


def test_contextual_paraformer_uses_hotwords(tmp_path: Path) -> None:
    model = load(make_contextual(tmp_path))
    (without,) = transcribe(model, [noise()])
    (given,) = transcribe(model, [noise()], hotword="seven eight", clas_scale=50.0)
    assert given["text"] != without["text"]


@pytest.mark.parametrize("make", [make_conformer, make_transformer])
def test_a_blip_is_too_short_for_subsampling(tmp_path: Path, make: Make) -> None:
    with pytest.raises(Exception, match="too short for subsampling"):
        transcribe(load(make(tmp_path)), [blip()])


@needs_whisper
def test_whisper_takes_the_language_only_in_its_decoding_options(tmp_path: Path) -> None:
    model = load(make_whisper(tmp_path))
    default, ignored = transcribe(model, [noise()]), transcribe(model, [noise()], language="zh")
    given = transcribe(model, [noise()], DecodingOptions={"language": "zh"})
    assert default[0]["text"] == ignored[0]["text"] != given[0]["text"]


def test_nano_does_not_accept_arrays(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        load(make_nano(tmp_path)).generate(input=[noise()], batch_size=1)


def test_nano_uses_language_and_hotwords(tmp_path: Path) -> None:
    model = load(make_nano(tmp_path))
    options: list[dict[str, Any]] = [{}, {"language": "\u82f1\u6587"}, {"hotwords": ["one", "two"]}]
    assert len({transcribe(model, [noise()], **option)[0]["text"] for option in options}) == 3


@pytest.mark.skipif(bool(find_spec("torchaudio")), reason="torchaudio aligns")
def test_nano_with_a_ctc_decoder_needs_torchaudio(tmp_path: Path) -> None:
    model = load(make_nano_with_ctc(tmp_path))
    with pytest.raises(ImportError, match="torchaudio"):
        transcribe(model, [noise()])
    model.model.ctc_decoder = None
    assert transcribe(model, [noise()])[0]["text"].strip()


@needs_silero
def test_silero_detects_no_speech_in_silence_noise_and_blip(tmp_path: Path) -> None:
    results = transcribe(load(make_silero(tmp_path)), [silence(), noise(), blip()], 3)
    assert [result["value"] for result in results] == [[], [], []]


def test_eres2net_returns_a_batch_as_one_item(tmp_path: Path) -> None:
    model = load(make_eres2net(tmp_path))
    (batch,) = transcribe(model, [noise(2.0), noise(1.3, seed=3)], 2)
    (alone,) = transcribe(model, [noise(1.3, seed=3)])
    assert batch["spk_embedding"].shape == (2, 32)
    assert not np.allclose(batch["spk_embedding"][1], alone["spk_embedding"][0], atol=1e-4)
    assert transcribe(model, [blip()])[0]["spk_embedding"].isnan().all()
