"""Who speaks: espeak-ng accents and voice variants, split between training and examination.

A variant changes pitch, formants and timbre, so a variant that was never heard in training is a
new speaker. Whispering, croaking, shouting and robot variants are in neither set, nor is `shelby`,
whose second formant is raised by 40 % while the first is lowered by 10 %: no throat does that, and
its "five" is an "eight".

Mandarin has one base voice, `cmn-latn-pinyin`: in espeak-ng 1.51 the voice `cmn` reads the tone
numbers of its own pinyin aloud in English ("yi one"), which nobody says.
"""

from models.vocabulary import Language

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
"""Base voices; `en` is British. General American is there twice: most listeners expect it."""

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
"""Variants whose stress lengths leave 55 ms of the Mandarin syllable that others hold for 220 ms:
they examine English only."""


def voice_names(language: Language, variants: tuple[str, ...]) -> tuple[str, ...]:
    """Every espeak-ng voice name, such as `en-us+f3`, of a language and a set of variants."""
    return tuple(
        f"{accent}+{variant}" if variant else accent
        for accent in ACCENTS[language]
        for variant in variants
    )


def training_voices(language: Language) -> tuple[str, ...]:
    """The voices the models learn from."""
    return voice_names(language, TRAINING_VARIANTS)


def held_out_voices(language: Language) -> tuple[str, ...]:
    """The voices that only ever speak in the examination and in the samples."""
    speaking = (
        variant
        for variant in HELD_OUT_VARIANTS
        if language == "en" or variant not in CRUSHING_VARIANTS
    )
    return voice_names(language, tuple(speaking))
