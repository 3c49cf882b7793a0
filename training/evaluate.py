"""The evaluation: held-out voices, sequences and seeds, transcribed through `AutoModel`."""

from pathlib import Path
from typing import Any

import numpy as np

from training.boundaries import Span, boundary_errors, word_time_errors
from training.clips import CLIPS, reference_text
from training.corpus import RecordedUtterance, record_utterance
from training.noises import draw_noise
from training.scenes import held_out_scene, long_scene
from training.sound import decode
from training.speak import SAMPLE_RATE_HZ, Samples
from training.utterances import draw_short
from training.vocabulary import Language
from training.voices import held_out_voices
from training.word_errors import WordErrors, word_errors

SEED = 70_260
LONG_SCENE_SECONDS = (60, 60, 120, 120, 300, 300, 600, 600)
CLIP_SECONDS = 8

Report = dict[str, Any]
"""Content of `evaluation.json`: groups of names and numbers."""


def load(recogniser: Path | None, detector: Path | None, threads: int) -> Any:
    """Load our directories with FunASR's `AutoModel`, on the CPU."""
    from funasr import AutoModel

    main, extra = (recogniser, detector) if recogniser else (detector, None)
    return AutoModel(
        model=str(main),
        vad_model=str(extra) if extra else None,
        device="cpu",
        ncpu=threads,
        disable_update=True,
        disable_pbar=True,
        disable_log=True,
    )


def examine(recogniser: Path, detector: Path, threads: int, utterances: int = 500) -> Report:
    """Return all accuracy numbers of the model card."""
    plain = load(recogniser, None, threads)
    return {
        "english": examine_language(plain, "en", utterances),
        "mandarin": examine_language(plain, "zh", utterances),
        "speech_detector": examine_detector(load(None, detector, threads), utterances),
        "long_recordings": examine_long(load(recogniser, detector, threads)),
    }


def transcribe(model: Any, samples: Samples) -> dict[str, Any]:
    """Return the result of one recording; FunASR returns none for a recording without words."""
    results = model.generate(input=[samples])
    return dict(results[0]) if results else {"text": "", "timestamp": []}


def examine_language(model: Any, language: Language, count: int) -> Report:
    """Return word errors and word time errors over single utterances, augmented as in training."""
    total, wrong, distances = WordErrors(), 0, list[int]()
    for index in range(count):
        utterance = draw_short(SEED, index, held_out_voices(language), language)
        recorded = record_utterance(utterance, SEED, index)
        result = transcribe(model, recorded.samples)
        errors = word_errors(utterance.text, result["text"])
        total, wrong = total + errors, wrong + bool(errors.errors)
        if not errors.errors:
            distances += _distances(recorded, result["timestamp"])
    return {
        "utterances": count,
        "words": total.words,
        "word_error_percent": round(100 * total.rate, 3),
        "utterances_with_errors": wrong,
        "word_starts": _spread(distances[0::2]),
        "word_ends": _spread(distances[1::2]),
    }


def _distances(recorded: RecordedUtterance, found: list[list[int]]) -> list[int]:
    """Return start and end errors of all words, alternating; empty if the counts differ."""
    if len(found) != len(recorded.words_ms):
        return []
    return word_time_errors(list(recorded.words_ms), [(start, end) for start, end in found])


def _spread(distances_ms: list[int]) -> Report:
    values = np.array(distances_ms or [0])
    return {
        "words": len(distances_ms),
        "median_ms": float(np.median(values)),
        "median_absolute_ms": float(np.median(np.abs(values))),
        "95_percent_ms": float(np.quantile(np.abs(values), 0.95)),
    }


def segments(model: Any, samples: Samples) -> list[Span]:
    """Return the detected segments in milliseconds."""
    return [(start, end) for start, end in model.generate(input=[samples])[0]["value"]]


def examine_detector(model: Any, count: int) -> Report:
    """Return boundary errors of single utterances in silence and noise, and false alarms."""
    scenes = [held_out_scene(SEED, index) for index in range(count)]
    truth = [scene.speech_ms[0] for scene in scenes]
    found = [segments(model, scene.samples) for scene in scenes]
    return {
        "utterances": count,
        **boundary_errors(truth, found).summary(),
        "cut_into_pieces": sum(len(pieces) > 1 for pieces in found),
        "noise_clips": count // 5,
        "noise_clips_with_a_segment": false_alarms(model, count // 5),
        "oddities_with_a_segment": sum(bool(segments(model, clip)) for clip in oddities()),
    }


def false_alarms(model: Any, count: int) -> int:
    """Return how many of `count` clips of pure noise, from faint to full scale, have a segment."""
    found = 0
    for index in range(count):
        random = np.random.default_rng([SEED, index, 4])
        noise = draw_noise(random, CLIP_SECONDS * SAMPLE_RATE_HZ)
        gain = 10 ** (random.uniform(-60, -6) / 20) / np.max(np.abs(noise))
        found += bool(segments(model, noise * np.float32(gain)))
    return found


def oddities() -> list[Samples]:
    """Return audio without speech that often breaks VAD: zeros, a constant, a square, noise."""
    count = CLIP_SECONDS * SAMPLE_RATE_HZ
    square = np.sign(np.sin(2 * np.pi * 440 * np.arange(count) / SAMPLE_RATE_HZ))
    dust = np.random.default_rng(SEED).standard_normal(count) * 1e-5
    parts = [np.zeros(count), np.full(count, 0.5), square, dust]
    return [part.astype(np.float32) for part in parts]


def examine_long(model: Any) -> Report:
    """Evaluate VAD and recogniser together on recordings of one to ten minutes."""
    total, seconds = WordErrors(), 0.0
    for index, wanted_s in enumerate(LONG_SCENE_SECONDS):
        scene = long_scene(SEED, index, wanted_s)
        said = " ".join(utterance.text for utterance in scene.utterances)
        total += word_errors(said, transcribe(model, scene.samples)["text"])
        seconds += len(scene.samples) / SAMPLE_RATE_HZ
    return {
        "recordings": len(LONG_SCENE_SECONDS),
        "minutes": round(seconds / 60, 1),
        "words": total.words,
        "word_error_percent": round(100 * total.rate, 3),
    }


def examine_samples(model: Any, folder: Path) -> Report:
    """Return word errors of the demo's own files, decoded as in the product."""
    by_file = {
        clip.file: word_errors(
            reference_text(clip), transcribe(model, decode(folder / clip.file))["text"]
        )
        for clip in CLIPS
    }
    total = sum(by_file.values(), WordErrors())
    return {
        "files": len(by_file),
        "words": total.words,
        "word_errors": total.errors,
        "files_with_errors": [file for file, errors in by_file.items() if errors.errors],
    }
