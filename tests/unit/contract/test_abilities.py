"""Unsupported options are rejected with an error that names an alternative."""

from typing import Any

import pytest

from funasr_fleet.contract.abilities import Abilities, ignored, unsupported
from funasr_fleet.contract.job import FORMATS, Options

EVERYTHING = Abilities(
    word_times=True,
    hotwords=True,
    itn=True,
    punctuation=True,
    speakers=True,
    languages=("zh", "en"),
)
ASKED = [
    ({"timestamps": "word"}, {"word_times": False}, "use segment timestamps"),
    ({"formats": ["ctm"]}, {"word_times": False}, "leave out the format ctm"),
    ({"segments": "sentence"}, {"word_times": False}, "use speech segments"),
    ({"segments": "sentence"}, {"punctuation": False}, "FLEET_PUNC_MODEL"),
    ({"language": "fi"}, {}, "language fi, only zh, en"),
    ({"hotwords": ["hush"]}, {"hotwords": False}, "does not support hotwords"),
    ({"itn": True}, {"itn": False}, "options: leave them out"),
    ({"itn": False}, {"itn": False}, "options: leave them out"),
    ({"speakers": True}, {"speakers": False}, "FLEET_SPK_MODEL"),
]


@pytest.mark.parametrize(("asked", "lacks", "told"), ASKED)
def test_an_unsupported_option_is_rejected_with_an_alternative(
    asked: dict[str, Any], lacks: dict[str, bool], told: str
) -> None:
    can = EVERYTHING.model_copy(update=lacks)
    (sentence,) = unsupported(Options.model_validate(asked), can)
    assert told in sentence
    assert "hush" not in sentence


@pytest.mark.parametrize("asked", [asked for asked, _, _ in ASKED if asked != {"language": "fi"}])
def test_supported_options_are_accepted(asked: dict[str, Any]) -> None:
    assert unsupported(Options.model_validate(asked), EVERYTHING) == []


@pytest.mark.parametrize(
    ("asked", "languages"),
    [("en_US", ("zh", "en")), ("Javanese", ("en", "jw")), ("nb", ("no",)), ("tl", ("tl",))],
)
def test_the_codes_of_a_model_may_differ(asked: str, languages: tuple[str, ...]) -> None:
    can = Abilities(languages=languages)
    assert unsupported(Options(language=asked), can) == ignored(Options(language=asked), can) == []


def test_a_model_that_cannot_be_told_a_language_ignores_it() -> None:
    options = Options(language="fi")
    assert unsupported(options, Abilities()) == []
    (sentence,) = ignored(options, Abilities())
    assert "does not support selecting a language: fi is ignored" in sentence
    assert ignored(options, Abilities(languages=("fi",))) == []
    assert ignored(Options(language="auto"), Abilities()) == []


def test_plain_options_are_accepted_by_every_model() -> None:
    formats = tuple(name for name in FORMATS if name != "ctm")
    assert unsupported(Options(formats=formats, merge_seconds=3), Abilities()) == []
