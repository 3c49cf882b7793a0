"""A model directory is replaced atomically; word, boundary and word time errors."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from training.boundaries import boundary_errors, word_time_errors
from training.card import render_card
from training.export import export_detector, export_recogniser, kaldi_moments
from training.word_errors import WordErrors, word_errors, words_of

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


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors"),
    [
        ("one two three", "one two three", 0),
        ("one two three", "one three", 1),
        ("one two three", "one two two three", 1),
        ("one two three", "one five three", 1),
        ("one two three", "", 3),
        ("一七零", "一 七 零", 0),
        ("一七零", "一零七", 2),
        ("", "one", 1),
    ],
)
def test_errors_are_the_fewest_edits(reference: str, hypothesis: str, errors: int) -> None:
    assert word_errors(reference, hypothesis).errors == errors


def test_every_han_digit_is_a_word() -> None:
    assert words_of("一七 零one") == ["一", "七", "零", "one"]


def test_rates_add_up_over_utterances() -> None:
    total = word_errors("one two", "one") + word_errors("three four", "three four")
    assert total == WordErrors(1, 4)
    assert total.rate == 0.25


def test_a_missed_utterance_is_not_within_any_limit() -> None:
    errors = boundary_errors([(500, 900), (500, 900)], [[(400, 1000)], []])
    assert errors.missed == 1
    assert errors.within(150) == 0.5


def test_the_outer_boundaries_of_a_cut_utterance_count() -> None:
    errors = boundary_errors([(500, 2000)], [[(450, 1000), (1400, 2300)]])
    assert (errors.starts_ms, errors.ends_ms) == ((-50,), (300,))
    assert errors.within(150) == 0.0
    assert errors.within(300) == 1.0


def test_word_times_are_compared_start_and_end_in_turn() -> None:
    assert word_time_errors([(100, 200), (300, 400)], [(110, 190), (300, 450)]) == [10, -10, 0, 50]


def test_word_times_of_another_count_are_rejected() -> None:
    with pytest.raises(ValueError, match="zip"):
        word_time_errors([(100, 200)], [])


def test_a_detector_that_finds_nothing_still_has_a_summary() -> None:
    summary = boundary_errors([(500, 900)], [[]]).summary()
    assert (summary["missed"], summary["both_within_150_percent"]) == (1, 0.0)
