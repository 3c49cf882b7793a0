"""Exports weights as directories that `funasr.AutoModel(model=DIRECTORY)` loads unchanged."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from omegaconf import OmegaConf

from training.asr import ARCHITECTURE, MODEL_CONF, SPECAUG_CONF, Moments
from training.corpus import LFR
from training.timestamps import PREDICTOR
from training.vad import CONTEXT_FRAMES, ENCODER_CONF
from training.vocabulary import TOKENS

FRONTEND_CONF: dict[str, Any] = {
    "fs": 16_000,
    "window": "hamming",
    "n_mels": 80,
    "frame_length": 25,
    "frame_shift": 10,
    "dither": 0.0,
}
"""`dither` is 0 so that the same audio always gives the same transcript; FunASR's default is 1."""

RECOGNISER_CONFIG: dict[str, Any] = {
    "model": "BiCifParaformer",
    "model_conf": MODEL_CONF,
    **ARCHITECTURE,
    **PREDICTOR,
    "frontend": "WavFrontend",
    "frontend_conf": {**FRONTEND_CONF, **LFR},
    "specaug": "SpecAugLFR",
    "specaug_conf": SPECAUG_CONF,
    "tokenizer": "CharTokenizer",
    "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
    "ctc_conf": {"dropout_rate": 0.0, "ctc_type": "builtin", "reduce": True},
    "normalize": None,
}

DETECTOR_CONFIG: dict[str, Any] = {
    "model": "FsmnVADStreaming",
    "model_conf": {
        "sample_rate": 16_000,
        "detect_mode": 1,
        "snr_mode": 0,
        "max_end_silence_time": 500,
        "max_start_silence_time": 3000,
        "do_start_point_detection": True,
        "do_end_point_detection": True,
        "window_size_ms": 200,
        "sil_to_speech_time_thres": 120,
        "speech_to_sil_time_thres": 150,
        "speech_2_noise_ratio": 1.0,
        "do_extend": 1,
        "lookback_time_start_point": 30,
        "lookahead_time_end_point": 20,
        "max_single_segment_time": 30_000,
        "snr_thres": -100.0,
        "noise_frame_num_used_for_snr": 100,
        "decibel_thres": -100.0,
        "speech_noise_thres": 0.3,
        "fe_prior_thres": 0.0001,
        "silence_pdf_num": 1,
        "sil_pdf_ids": [0],
        "speech_noise_thresh_low": -0.1,
        "speech_noise_thresh_high": 0.3,
        "output_frame_probs": False,
        "frame_in_ms": 10,
        "frame_length_ms": 25,
    },
    "dynamic_silence": False,
    "encoder": "FSMN",
    "encoder_conf": ENCODER_CONF,
    "frontend": "WavFrontendOnline",
    "frontend_conf": {**FRONTEND_CONF, "lfr_m": 2 * CONTEXT_FRAMES + 1, "lfr_n": 1},
}
"""`dynamic_silence` is off: otherwise FunASR 1.4 ignores `max_end_silence_time` and merges speech
across pauses of up to two seconds."""


def export_recogniser(target: Path, weights: dict[str, torch.Tensor], moments: Moments) -> None:
    """Write the recogniser's directory, replaced by renaming."""

    def fill(directory: Path) -> None:
        _write_common(directory, RECOGNISER_CONFIG, weights, moments, "auto-speech-recognition")
        (directory / "tokens.json").write_text(json.dumps(TOKENS, ensure_ascii=False) + "\n")
        metas = {"tokenizer_conf": {"token_list": "tokens.json"}}
        _write_configuration(directory, "auto-speech-recognition", metas)

    _replace(target, fill)


def export_detector(target: Path, weights: dict[str, torch.Tensor], moments: Moments) -> None:
    """Write the speech detector's directory, replaced by renaming."""

    def fill(directory: Path) -> None:
        _write_common(directory, DETECTOR_CONFIG, weights, moments, "voice-activity-detection")

    _replace(target, fill)


def _write_common(
    directory: Path,
    config: dict[str, Any],
    weights: dict[str, torch.Tensor],
    moments: Moments,
    task: str,
) -> None:
    plain = {name: value.detach().to(torch.float32).clone() for name, value in weights.items()}
    torch.save(plain, directory / "model.pt")
    (directory / "am.mvn").write_text(kaldi_moments(moments))
    (directory / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(config)))
    _write_configuration(directory, task, {})


def _write_configuration(directory: Path, task: str, metas: dict[str, Any]) -> None:
    """Write `configuration.json`, which lists the model's files for FunASR."""
    files = {
        "init_param": "model.pt",
        "config": "config.yaml",
        **metas,
        "frontend_conf": {"cmvn_file": "am.mvn"},
    }
    document = {
        "framework": "pytorch",
        "task": task,
        "pipeline": {"type": "funasr-pipeline"},
        "model": {"type": "funasr"},
        "file_path_metas": files,
    }
    (directory / "configuration.json").write_text(json.dumps(document, indent=2) + "\n")


def kaldi_moments(moments: Moments) -> str:
    """Return shift and scale in Kaldi's nnet text format, for `funasr.frontends.load_cmvn`."""
    size = len(moments[0])
    rows = [f"<LearnRateCoef> 0 {_bracketed(moment)}" for moment in moments]
    return (
        f"<Nnet>\n<AddShift> {size} {size}\n{rows[0]}\n"
        f"<Rescale> {size} {size}\n{rows[1]}\n</Nnet>\n"
    )


def _bracketed(values: npt.NDArray[np.float32]) -> str:
    return f"[ {' '.join(f'{value:.6g}' for value in values)} ]"


def _replace(target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new directory beside the target and swap the two by renaming."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    fresh.chmod(0o755)
    fill(fresh)
    old = target.with_name(f".old-{target.name}")
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
