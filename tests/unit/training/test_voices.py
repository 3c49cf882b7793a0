"""Nobody who speaks in the examination was heard in training."""

import pytest

from training.vocabulary import LANGUAGES, Language
from training.voices import HELD_OUT_VARIANTS, TRAINING_VARIANTS, held_out_voices, training_voices

GIMMICKS = ("whisper", "croak", "robo", "demonic", "announcer", "klatt", "unirobot")


def test_no_variant_is_in_both_sets() -> None:
    assert not set(TRAINING_VARIANTS) & set(HELD_OUT_VARIANTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_voice_is_in_both_sets(language: Language) -> None:
    assert not set(training_voices(language)) & set(held_out_voices(language))
    assert len(set(held_out_voices(language))) >= 12


def test_no_variant_is_listed_twice() -> None:
    assert len(set(TRAINING_VARIANTS)) == len(TRAINING_VARIANTS)
    assert len(set(HELD_OUT_VARIANTS)) == len(HELD_OUT_VARIANTS)


def test_nobody_whispers_croaks_or_is_a_robot() -> None:
    spoken = " ".join((*TRAINING_VARIANTS, *HELD_OUT_VARIANTS)).lower()
    assert not [gimmick for gimmick in GIMMICKS if gimmick in spoken]


def test_mandarin_is_not_read_by_the_voice_that_says_tone_numbers() -> None:
    assert all(voice.startswith("cmn-latn-pinyin") for voice in training_voices("zh"))


def test_variants_that_crush_mandarin_syllables_examine_english_only() -> None:
    for crushing in ("antonio", "pedro"):
        assert not any(voice.endswith(crushing) for voice in held_out_voices("zh"))
        assert any(voice.endswith(crushing) for voice in held_out_voices("en"))
