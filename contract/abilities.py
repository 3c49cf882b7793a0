"""What a model can do, as ready workers publish it; and which options it cannot serve."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from contract.job import Options


class Abilities(BaseModel):
    """What the models of a worker can do together."""

    model_config = ConfigDict(frozen=True)

    word_times: bool = False
    """Whether each word has its time."""
    languages: tuple[str, ...] | None = None
    """Languages it can be told to expect; None where a language is only written down."""
    detects_language: bool = False
    """Whether it says which language it heard."""
    emotion_and_events: bool = False
    """Whether it says how something was said, and what else was heard."""
    hotwords: bool = False
    """Whether words to prefer help it."""
    itn: bool = False
    """Whether it can be told to write numbers in digits, or in words."""
    confidence: bool = False
    """Whether it says how sure it is."""
    batch: bool = True
    """Whether it takes many clips at once."""
    punctuation: bool = False
    """Whether its text has punctuation, of its own or by FLEET_PUNC_MODEL."""
    speakers: bool = False
    """Whether it tells speakers apart, by FLEET_SPK_MODEL."""


WORD_FORMATS = frozenset({"ctm"})
"""Formats that are nothing without the time of each word."""


def unsupported(options: "Options", can: Abilities) -> list[str]:
    """One sentence per option that such a model cannot serve, each saying what to do."""
    told = can.languages or ()
    checks = (
        (
            options.timestamps == "word" and not can.word_times,
            "it gives no word times: ask for --timestamps segment",
        ),
        (
            not can.word_times and not WORD_FORMATS.isdisjoint(options.formats),
            "it gives no word times: leave out the format ctm, and name others in place of all",
        ),
        (
            options.segments == "sentence" and not (can.word_times and can.punctuation),
            "it finds no sentences, which takes word times and punctuation: ask for --segments "
            "speech, or start its workers with FLEET_PUNC_MODEL",
        ),
        (
            options.language is not None and bool(told) and options.language not in told,
            f"it cannot be told language {options.language}, only {', '.join(told)}",
        ),
        (bool(options.hotwords) and not can.hotwords, "it takes no hotwords: leave them out"),
        (
            options.itn is not None and not can.itn,
            "it writes numbers in one way only: leave out --itn and --no-itn",
        ),
        (
            options.speakers and not can.speakers,
            "it cannot tell speakers apart: start its workers with FLEET_SPK_MODEL, or leave out "
            "--speakers",
        ),
    )
    return [sentence for applies, sentence in checks if applies]
