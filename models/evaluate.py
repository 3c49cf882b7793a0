"""The examination: voices, sequences and seeds that training never saw, through `AutoModel`."""

from pathlib import Path
from typing import Any

import numpy as np

from models.boundaries import Span, boundary_errors, word_time_errors
from models.clips import CLIPS, reference_text
from models.corpus import Heard, hear
from models.noises import draw_noise
from models.scenes import held_out_scene, long_scene
from models.sound import decode
from models.speak import SAMPLE_RATE_HZ, Samples
from models.utterances import draw_short
from models.vocabulary import Language
from models.voices import held_out_voices
from models.word_errors import WordErrors, word_errors

SEED = 70_260
LONG_SCENE_SECONDS = (60, 60, 120, 120, 300, 300, 600, 600)
CLIP_SECONDS = 8

Report = dict[str, Any]
"""What `evaluation.json` holds: names to numbers, in groups."""


def load(recogniser: Path | None, detector: Path | None, threads: int) -> Any:
    """FunASR's own `AutoModel` over our directories, on the CPU."""
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
    """Everything that the model card states about accuracy."""
    plain = load(recogniser, None, threads)
    return {
        "english": examine_language(plain, "en", utterances),
        "mandarin": examine_language(plain, "zh", utterances),
        "speech_detector": examine_detector(load(None, detector, threads), utterances),
        "long_recordings": examine_long(load(recogniser, detector, threads)),
    }


def transcribe(model: Any, samples: Samples) -> dict[str, Any]:
    """The one result of one recording; FunASR drops a recording without words."""
    results = model.generate(input=[samples])
    return dict(results[0]) if results else {"text": "", "timestamp": []}


def examine_language(model: Any, language: Language, count: int) -> Report:
    """Word errors and word times over single utterances, distorted as in training."""
    total, wrong, distances = WordErrors(), 0, list[int]()
    for index in range(count):
        utterance = draw_short(SEED, index, held_out_voices(language), language)
        heard = hear(utterance, SEED, index)
        result = transcribe(model, heard.samples)
        errors = word_errors(utterance.text, result["text"])
        total, wrong = total + errors, wrong + bool(errors.errors)
        if not errors.errors:
            distances += _distances(heard, result["timestamp"])
    return {
        "utterances": count,
        "words": total.words,
        "word_error_percent": round(100 * total.rate, 3),
        "utterances_with_errors": wrong,
        "word_starts": _spread(distances[0::2]),
        "word_ends": _spread(distances[1::2]),
    }


def _distances(heard: Heard, found: list[list[int]]) -> list[int]:
    """Start and end errors of every word in turn; none where the counts differ."""
    if len(found) != len(heard.words_ms):
        return []
    return word_time_errors(list(heard.words_ms), [(start, end) for start, end in found])


def _spread(distances_ms: list[int]) -> Report:
    values = np.array(distances_ms or [0])
    return {
        "words": len(distances_ms),
        "median_ms": float(np.median(values)),
        "median_absolute_ms": float(np.median(np.abs(values))),
        "95_percent_ms": float(np.quantile(np.abs(values), 0.95)),
    }


def segments(model: Any, samples: Samples) -> list[Span]:
    """What the detector cuts out, in milliseconds."""
    return [(start, end) for start, end in model.generate(input=[samples])[0]["value"]]


def examine_detector(model: Any, count: int) -> Report:
    """Boundaries of single utterances in silence and noise, and false alarms without speech."""
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
    """How many of `count` clips of pure noise, from faint to full scale, hold a segment."""
    found = 0
    for index in range(count):
        random = np.random.default_rng([SEED, index, 4])
        noise = draw_noise(random, CLIP_SECONDS * SAMPLE_RATE_HZ)
        gain = 10 ** (random.uniform(-60, -6) / 20) / np.max(np.abs(noise))
        found += bool(segments(model, noise * np.float32(gain)))
    return found


def oddities() -> list[Samples]:
    """Sound without speech that breaks detectors: zeros, a constant, a full-scale square, dust."""
    count = CLIP_SECONDS * SAMPLE_RATE_HZ
    square = np.sign(np.sin(2 * np.pi * 440 * np.arange(count) / SAMPLE_RATE_HZ))
    dust = np.random.default_rng(SEED).standard_normal(count) * 1e-5
    parts = [np.zeros(count), np.full(count, 0.5), square, dust]
    return [part.astype(np.float32) for part in parts]


def examine_long(model: Any) -> Report:
    """What the product does: recordings of one to ten minutes, cut and then transcribed."""
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
    """Word errors of the demo's own files, decoded as the product decodes them."""
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
