"""A model's capabilities, as published by ready workers, and options it rejects or ignores."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from funasr_fleet.contract.language import code_among

if TYPE_CHECKING:
    from funasr_fleet.contract.job import Options


class Abilities(BaseModel):
    """What the models of a worker can do in combination."""

    model_config = ConfigDict(frozen=True)

    word_times: bool = False
    """Whether it returns a time for each word."""
    languages: tuple[str, ...] | None = None
    """Codes of the languages that can be selected; () for any language, None if none can be."""
    detects_language: bool = False
    """Whether it reports the language that it detected."""
    emotion_and_events: bool = False
    """Whether it reports emotions and sound events."""
    hotwords: bool = False
    """Whether it supports hotwords."""
    itn: bool = False
    """Whether inverse text normalization (numbers in digits) can be turned on and off."""
    confidence: bool = False
    """Whether it returns confidence scores."""
    batch: bool = True
    """Whether it processes several clips in one batch."""
    punctuation: bool = False
    """Whether its text has punctuation, from the model itself or from FLEET_PUNC_MODEL."""
    speakers: bool = False
    """Whether it labels speakers, with FLEET_SPK_MODEL."""


WORD_FORMATS = frozenset({"ctm"})
"""Formats that need the time of each word."""


def unsupported(options: "Options", can: Abilities) -> list[str]:
    """One message per option that the model does not support, each with an alternative."""
    languages, asked = can.languages or (), options.language
    checks = (
        (
            options.timestamps == "word" and not can.word_times,
            "it has no word times: use segment timestamps",
        ),
        (
            not can.word_times and not WORD_FORMATS.isdisjoint(options.formats),
            "it has no word times: leave out the format ctm, and list formats instead of all",
        ),
        (
            options.segments == "sentence" and not (can.word_times and can.punctuation),
            "it does not split sentences, which needs word times and punctuation: use speech "
            "segments, or start its workers with FLEET_PUNC_MODEL",
        ),
        (
            asked is not None and code_among(asked, languages) is None,
            f"it does not support language {asked}, only {', '.join(languages)}",
        ),
        (
            bool(options.hotwords) and not can.hotwords,
            "it does not support hotwords: leave them out",
        ),
        (
            options.itn is not None and not can.itn,
            "it does not support inverse text normalization options: leave them out",
        ),
        (
            options.speakers and not can.speakers,
            "it does not distinguish speakers: start its workers with FLEET_SPK_MODEL, or leave "
            "speaker labels out",
        ),
    )
    return [message for applies, message in checks if applies]


def ignored(options: "Options", can: Abilities) -> list[str]:
    """One message per option that the model ignores."""
    if options.language is None or can.languages is not None:
        return []
    return [
        f"it does not support selecting a language: {options.language} is ignored, and its results "
        "have the warning language_ignored; leave out the language, or choose another model"
    ]
