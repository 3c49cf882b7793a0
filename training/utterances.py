"""Seeded plans of utterances: the same seed and index always give the same utterance."""

from dataclasses import dataclass

import numpy as np

from training.vocabulary import DIGIT_WORDS, Language, token_ids, transcript

PAUSE_STYLES: tuple[tuple[float, float, tuple[int, int]], ...] = (
    (0.55, 0.00, (0, 1)),
    (0.30, 0.35, (30, 350)),
    (0.15, 0.55, (100, 800)),
)
"""Fluent, hesitant and dictating speakers: share of utterances, probability of a pause before
each word, and the pause's range in milliseconds."""

LONG_PAUSE_CHANCE = 0.01
"""Probability per word of a pause of 1 to 2 s, which stock VAD settings keep in a segment."""

LONG_SHARE = 0.08
"""Share of training utterances with 15 to 60 digits, the segment of a speaker without pauses."""


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """The plan of one utterance."""

    voice: str
    """espeak-ng voice name, accent and variant."""
    language: Language
    """Language of every word in it."""
    digits: tuple[int, ...]
    """The spoken digits."""
    pauses_ms: tuple[int, ...]
    """Silence before each word, in addition to the voice's own; the first is 0."""
    words_per_minute: int
    """Speaking rate as espeak-ng counts it, 110 to 230."""
    pitch: int
    """Base pitch on espeak-ng's scale of 0 to 99."""
    pitch_range: int
    """Pitch range on espeak-ng's scale of 0 to 99."""

    @property
    def text(self) -> str:
        """Return the reference text."""
        return transcript(self.digits, self.language)

    @property
    def token_ids(self) -> list[int]:
        """Return the training labels."""
        return token_ids(self.digits, self.language)

    @property
    def ssml(self) -> str:
        """Return the SSML for espeak-ng."""
        spoken = [
            f'<break time="{pause}ms"/> {DIGIT_WORDS[self.language][digit]}'
            if pause
            else DIGIT_WORDS[self.language][digit]
            for digit, pause in zip(self.digits, self.pauses_ms, strict=True)
        ]
        return f"<speak>{' '.join(spoken)}</speak>"


def draw_utterance(
    seed: int, index: int, voices: tuple[str, ...], language: Language, *, count: int | None = None
) -> Utterance:
    """Return the utterance of this seed and index, with `count` or a random number of digits."""
    random = np.random.default_rng([seed, index])
    number = count or _draw_count(random)
    return Utterance(
        voice=str(random.choice(voices)),
        language=language,
        digits=tuple(int(digit) for digit in random.integers(0, 10, number)),
        pauses_ms=_draw_pauses(random, number),
        words_per_minute=int(random.integers(110, 231)),
        pitch=int(np.clip(random.normal(50, 16), 15, 90)),
        pitch_range=int(random.integers(25, 80)),
    )


def draw_short(
    seed: int, index: int, voices: tuple[str, ...], language: Language, most: int = 14
) -> Utterance:
    """Return an utterance of 1 to `most` digits, as used in the evaluation."""
    count = 1 + int(np.random.default_rng([seed, index, 1]).integers(0, most))
    return draw_utterance(seed, index, voices, language, count=count)


def _draw_count(random: np.random.Generator) -> int:
    if random.random() < LONG_SHARE:
        return int(random.integers(15, 61))
    return int(random.integers(1, 15))


def _draw_pauses(random: np.random.Generator, number: int) -> tuple[int, ...]:
    shares = [share for share, _, _ in PAUSE_STYLES]
    _, chance, (shortest, longest) = PAUSE_STYLES[int(random.choice(len(shares), p=shares))]
    pauses = np.where(random.random(number) < chance, random.integers(shortest, longest, number), 0)
    very_long = random.random(number) < LONG_PAUSE_CHANCE
    pauses = np.where(very_long, random.integers(1000, 2000, number), pauses)
    pauses[0] = 0
    return tuple(int(pause) for pause in pauses)
