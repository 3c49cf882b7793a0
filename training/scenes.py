"""Scenes for VAD: utterances with silence and noise around them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.augment import reverberate, set_peak, telephone
from training.noises import draw_noise
from training.speak import SAMPLE_RATE_HZ, Samples, speak
from training.utterances import Utterance, draw_short
from training.vocabulary import LANGUAGES
from training.voices import held_out_voices, training_voices

FRAME_SAMPLES, HOP_SAMPLES = 400, 160
"""25 ms windows every 10 ms, as in the detector's features."""

SPEECH_FLOOR_DB = -35.0
"""A frame is speech if its energy is above this, relative to the utterance's loudest frame."""


@dataclass(frozen=True)
class Scene:
    """A recording and its speech."""

    samples: Samples
    """Samples of the recording."""
    utterances: tuple[Utterance, ...]
    """The utterances, in order."""
    speech_ms: tuple[tuple[int, int], ...]
    """Start and end of each utterance's speech."""
    frames: npt.NDArray[np.bool_]
    """Whether each 10 ms frame is speech."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The layout of a scene."""

    seed: int
    index: int
    utterances: tuple[Utterance, ...]
    gaps_ms: tuple[int, ...]
    """Silence before each utterance and after the last: one more than there are utterances."""
    snr_db: tuple[float, float]
    """Range of the signal-to-noise ratio; the noise covers the whole scene."""


def compose(plan: Plan) -> Scene:
    """Lay out the utterances, label frames by the clean signal, then augment the audio."""
    random = np.random.default_rng([plan.seed, plan.index, 3])
    spoilt: list[Samples] = []
    spans: list[tuple[int, Samples]] = []
    position = 0
    for utterance, gap_ms in zip(plan.utterances, plan.gaps_ms, strict=False):
        lead = int(gap_ms) * SAMPLE_RATE_HZ // 1000 // HOP_SAMPLES * HOP_SAMPLES
        dry = set_peak(speak(utterance).samples, peak_db=float(random.uniform(-9, -3)))
        dry = np.pad(dry, (0, -len(dry) % HOP_SAMPLES))
        spoilt += [np.zeros(lead, np.float32), _room(random, dry)]
        spans.append((position + lead, dry))
        position += lead + len(dry)
    tail = np.zeros(int(plan.gaps_ms[-1]) * SAMPLE_RATE_HZ // 1000, np.float32)
    sound = np.concatenate([*spoilt, tail])
    frames = np.zeros(frame_count(len(sound)), np.bool_)
    marks = [_mark(frames, start, dry) for start, dry in spans]
    return Scene(_record(random, sound, plan.snr_db), plan.utterances, tuple(marks), frames)


def frame_count(samples: int) -> int:
    """Return the number of 25 ms frames every 10 ms."""
    return max(0, (samples - FRAME_SAMPLES) // HOP_SAMPLES + 1)


def loud_frames(speech: Samples) -> npt.NDArray[np.bool_]:
    """Return which frames of clean speech are above the floor, shape (frames,)."""
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(speech, (0, FRAME_SAMPLES)), FRAME_SAMPLES
    )[::HOP_SAMPLES]
    energy = np.mean(windows.astype(np.float64) ** 2, axis=1)
    return np.asarray(energy > energy.max() * 10 ** (SPEECH_FLOOR_DB / 10))


def _mark(frames: npt.NDArray[np.bool_], start: int, speech: Samples) -> tuple[int, int]:
    """Mark one utterance's frames; return the start and end of its speech in ms."""
    loud = loud_frames(speech)
    first = start // HOP_SAMPLES
    room = min(len(loud), len(frames) - first)
    frames[first : first + room] = loud[:room]
    speech_frames = np.flatnonzero(loud)
    return (first + int(speech_frames[0])) * 10, (first + int(speech_frames[-1]) + 1) * 10


def _room(random: np.random.Generator, dry: Samples) -> Samples:
    return reverberate(random, dry) if random.random() < 0.3 else dry


def _record(random: np.random.Generator, sound: Samples, snr_db: tuple[float, float]) -> Samples:
    """Add noise, sometimes a telephone line, and a random gain."""
    loud = np.quantile(np.abs(sound[sound != 0]), 0.9) if np.any(sound) else 0.1
    noise = draw_noise(random, len(sound))
    if random.random() < 0.8:
        sound = sound + noise * np.float32(loud * 10 ** (-random.uniform(*snr_db) / 20))
    if random.random() < 0.2:
        sound = telephone(sound, narrow=bool(random.random() < 0.6))
    return set_peak(sound, peak_db=float(random.uniform(-45, -0.5)))


def training_scene(seed: int, index: int) -> Scene:
    """Return a scene of about 20 s with up to six utterances; one scene in six is only noise."""
    random = np.random.default_rng([seed, index])
    number = 0 if random.random() < 1 / 6 else int(random.integers(1, 7))
    utterances = tuple(
        draw_short(seed, 10 * index + place, training_voices(language), language, most=9)
        for place in range(number)
        for language in (LANGUAGES[int(random.integers(len(LANGUAGES)))],)
    )
    gaps = tuple(int(gap) for gap in random.integers(250, 3000, number + 1))
    gaps = gaps if number else (int(random.integers(4000, 20_000)),)
    plan = Plan(seed=seed, index=index, utterances=utterances, gaps_ms=gaps, snr_db=(3, 45))
    scene = compose(plan)
    return _silenced(scene) if number == 0 and random.random() < 0.2 else scene


def _silenced(scene: Scene) -> Scene:
    """Return the scene with all samples zero, as from a muted line."""
    return Scene(scene.samples * 0, scene.utterances, scene.speech_ms, scene.frames)


def held_out_scene(seed: int, index: int) -> Scene:
    """Return one utterance of a held-out voice between 0.5 and 2.5 s of silence and noise."""
    random = np.random.default_rng([seed, index])
    language = LANGUAGES[index % len(LANGUAGES)]
    utterance = draw_short(seed, index, held_out_voices(language), language)
    gaps = tuple(int(gap) for gap in random.integers(500, 2500, 2))
    return compose(
        Plan(seed=seed, index=index, utterances=(utterance,), gaps_ms=gaps, snr_db=(10, 45))
    )


def long_scene(seed: int, index: int, seconds: float) -> Scene:
    """Return many utterances of held-out voices in one language, gaps of 0.3 to 3 s, mild noise."""
    random = np.random.default_rng([seed, index])
    language = LANGUAGES[index % len(LANGUAGES)]
    utterances: list[Utterance] = []
    total_s = 0.0
    while total_s < seconds:
        place = 1000 * index + len(utterances)
        utterances.append(draw_short(seed, place, held_out_voices(language), language))
        total_s += len(speak(utterances[-1]).samples) / SAMPLE_RATE_HZ + 1.65
    gaps = tuple(int(gap) for gap in random.integers(300, 3000, len(utterances) + 1))
    return compose(
        Plan(
            seed=seed,
            index=index,
            utterances=tuple(utterances),
            gaps_ms=gaps,
            snr_db=(15, 45),
        )
    )
