"""A model directory is replaced as a whole, and reads as FunASR reads it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from training.card import render_card
from training.export import export_detector, export_recogniser, kaldi_moments

MOMENTS = (np.array([-1.5, 2.0], np.float32), np.array([0.5, 4.0], np.float32))


def test_funasr_reads_the_moments_back(tmp_path: Path) -> None:
    wav_frontend = pytest.importorskip("funasr.frontends.wav_frontend")
    (tmp_path / "am.mvn").write_text(kaldi_moments(MOMENTS))
    assert np.allclose(wav_frontend.load_cmvn(str(tmp_path / "am.mvn")).numpy(), MOMENTS)


def test_a_recogniser_directory_is_complete(tmp_path: Path) -> None:
    export_recogniser(tmp_path / "asr", {"weight": torch.ones(2)}, MOMENTS)
    files = {file.name for file in (tmp_path / "asr").iterdir()}
    assert files == {"am.mvn", "config.yaml", "configuration.json", "model.pt", "tokens.json"}
    assert len(json.loads((tmp_path / "asr" / "tokens.json").read_text())) == 24


def test_a_new_export_replaces_the_old_one_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "vad"
    export_detector(target, {"weight": torch.zeros(1)}, MOMENTS)
    (target / "stale").touch()
    export_detector(target, {"weight": torch.ones(1)}, MOMENTS)
    assert torch.load(target / "model.pt", weights_only=True)["weight"].item() == 1
    assert not (target / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["vad"]


def test_the_card_prints_the_numbers_of_the_report() -> None:
    report = {"english": {"rate": 0.25, "starts": {"median": 10}}}
    filled = render_card("{english.rate} % and {english.starts.median} ms", report)
    assert filled == "0.25 % and 10 ms"
