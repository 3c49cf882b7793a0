"""Writes the canary, `evaluation.json` and the model card with the numbers of the evaluation."""

import io
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.augment import set_peak
from training.evaluate import Report, load, transcribe
from training.export import DETECTOR_CONFIG
from training.speak import SAMPLE_RATE_HZ, Samples, speak
from training.utterances import Utterance

CANARY = Utterance(
    voice="en-us+steph2",
    language="en",
    digits=(4, 0, 7, 1, 9, 2),
    pauses_ms=(0, 0, 0, 120, 0, 0),
    words_per_minute=160,
    pitch=50,
    pitch_range=50,
)
"""Spoken by a held-out voice, without noise."""

TEMPLATE = Path(__file__).parent / "card.md"


def write_canary(demo: Path, threads: int) -> None:
    """Write the clip and its transcript; raise ValueError if the transcript is wrong."""
    quarter = np.zeros(SAMPLE_RATE_HZ // 4, np.float32)
    clip = set_peak(np.concatenate([quarter, speak(CANARY).samples, quarter]), peak_db=-3)
    text = transcribe(load(demo / "asr", None, threads), clip)["text"]
    if text != CANARY.text:
        raise ValueError(f"the canary says {CANARY.text!r}, but the model recognised {text!r}")
    (demo / "canary.wav").write_bytes(wave_bytes(clip))
    (demo / "canary.json").write_text(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def wave_bytes(samples: Samples) -> bytes:
    """Return a 16 kHz mono PCM16 WAV file."""
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return memory.getvalue()


def write_report(demo: Path, work: Path, report: Report) -> None:
    """Save the report beside the models, and render the card from it."""
    report["size"] = {name: _size(demo / name) for name in ("asr", "vad")}
    report["training"] = training_record(work)
    report["detector"] = {
        name: DETECTOR_CONFIG["model_conf"][name]
        for name in ("max_end_silence_time", "max_single_segment_time")
    }
    text = json.dumps(report, ensure_ascii=False, indent=2)
    (demo / "evaluation.json").write_text(text + "\n")
    (demo / "MODEL_CARD.md").write_text(render_card(TEMPLATE.read_text(), report))


def note_training(work: Path, name: str, **facts: float | str) -> None:
    """Record facts about a training run for the card."""
    record = training_record(work)
    record[name] = facts
    (work / "training.json").write_text(json.dumps(record, indent=2) + "\n")


def training_record(work: Path) -> dict[str, Any]:
    """Return the recorded facts of the training runs in this work folder."""
    kept = work / "training.json"
    return dict(json.loads(kept.read_text())) if kept.exists() else {}


def _size(directory: Path) -> dict[str, float]:
    weights = torch.load(directory / "model.pt", weights_only=True)
    return {
        "parameters": sum(value.numel() for value in weights.values()),
        "megabytes": round(sum(file.stat().st_size for file in directory.iterdir()) / 1e6, 2),
    }


def render_card(template: str, report: Report) -> str:
    """Replace `{group.name}` in the template by the numbers of the report."""
    for path, value in _leaves(report, ""):
        template = template.replace("{" + path + "}", str(value))
    return template


def _leaves(node: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(node, dict):
        return [(path, node)]
    return [
        leaf for name, child in node.items() for leaf in _leaves(child, f"{path}.{name}".strip("."))
    ]
