"""espeak-ng accents and voice variants, split into training and held-out sets.

A variant changes pitch, formants and timbre, so a variant that is not in the training set is a new
speaker. Whispering, croaking, shouting and robot variants are in neither set, nor is `shelby`,
whose second formant is raised by 40 % while the first is lowered by 10 %: no human voice does that,
and its "five" sounds like "eight".

Mandarin has one base voice, `cmn-latn-pinyin`: in espeak-ng 1.51 the voice `cmn` reads the tone
numbers of its pinyin aloud in English ("yi one").
"""

from training.vocabulary import Language

ACCENTS: dict[Language, tuple[str, ...]] = {
    "en": (
        "en-us",
        "en-us",
        "en",
        "en-gb-x-rp",
        "en-gb-scotland",
        "en-gb-x-gbclan",
        "en-gb-x-gbcwmd",
        "en-029",
        "en-us-nyc",
    ),
    "zh": ("cmn-latn-pinyin",),
}
"""Base voices; `en` is British. General American is listed twice because it is the most common."""

TRAINING_VARIANTS = (
    *("", "adam", "Alex", "Alicia", "Andrea", "Andy", "anika", "Annie", "aunty", "belinda"),
    *("benjamin", "boris", "caleb", "Denis", "Diogo", "ed", "edward", "f1", "f2", "f4", "f5"),
    *("Gene", "Henrique", "Hugo", "Jacky", "john", "Lee", "linda", "m1", "m2", "m4", "m5"),
    *("m6", "m8", "Marco", "Mario", "max", "Michael", "michel", "Mike", "norbert", "pablo"),
    *("paul", "quincy", "rob", "sandro", "steph", "steph3", "travis", "zac", "iven", "iven3"),
    *("grandma", "marcelo"),
)

HELD_OUT_VARIANTS = (
    *("antonio", "david", "f3", "Gene2", "grandpa", "iven2", "m3", "m7", "miguel", "pedro"),
    *("robert", "steph2", "victor", "edward2"),
)

CRUSHING_VARIANTS = frozenset({"antonio", "pedro"})
"""Variants whose stress lengths shorten a Mandarin syllable from 220 ms to 55 ms; used for English
only."""


def voice_names(language: Language, variants: tuple[str, ...]) -> tuple[str, ...]:
    """Return all espeak-ng voice names, such as `en-us+f3`, of a language and a set of variants."""
    return tuple(
        f"{accent}+{variant}" if variant else accent
        for accent in ACCENTS[language]
        for variant in variants
    )


def training_voices(language: Language) -> tuple[str, ...]:
    """Return the voices for training."""
    return voice_names(language, TRAINING_VARIANTS)


def held_out_voices(language: Language) -> tuple[str, ...]:
    """Return the voices that are used only in the evaluation and in the samples."""
    speaking = (
        variant
        for variant in HELD_OUT_VARIANTS
        if language == "en" or variant not in CRUSHING_VARIANTS
    )
    return voice_names(language, tuple(speaking))
