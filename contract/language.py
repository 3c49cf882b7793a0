"""PURE: language codes, by langcodes (the data of Unicode CLDR and the IANA registry).

A language may be given as a code (`en`, `EN`, `eng`), with a region or script (`en_US`, `zh-Hant`),
or by its name in any language (`english`, `Deutsch`). The fleet uses the code of the language
alone, of two letters where there is one: `en`, `zh`, `yue`.
"""

from collections.abc import Iterable
from functools import lru_cache

_AUTO = ("", "auto")
MAX_LANGUAGE_CHARS = 100
"""The search for a name takes seconds for 200,000 characters."""
_MIN_NAME = 4
"""Minimum length of a name in ASCII; shorter texts can only be codes."""
_NO_LANGUAGE = frozenset({"und", "mul", "mis", "zxx", "any"})
"""Codes for unknown, several, uncoded and no languages, and `any`: it is the code of Anyin, but
users who write it mean any language."""
_GROUPS = (" languages", "pidgins", "(family)")
"""The names of groups of languages, such as cpe and zhx, end with these words."""
_NO_REGION = ("Unknown Region", "Private use", "Pseudo-")
"""The names of codes that do not stand for a region begin with these words."""
_MAX_DISTANCE = 1
"""Maximum CLDR distance of two codes of one language: nb and no, jv and jw, arb and ar."""


class UnknownLanguage(ValueError):
    """There is no such language: give a code such as en or zh-CN, a name, or auto."""

    def __init__(self) -> None:
        super().__init__("must be a language, such as en, zh-CN or german, or auto to detect it")


@lru_cache(maxsize=1024)
def language_code(given: str) -> str | None:
    """The code of a language, or None for auto (or an empty text).

    Raises:
        UnknownLanguage: there is no such language; the message does not contain the text.
    """
    text = given.strip().lower()
    if len(given) > MAX_LANGUAGE_CHARS or not text.isprintable():  # NUL breaks langcodes' search
        raise UnknownLanguage
    if text in _AUTO:
        return None
    code = _by_tag(text) or _by_name(text)
    if code is None or code in _NO_LANGUAGE or not _is_one_language(code):
        raise UnknownLanguage
    return code


def reported_language(reported: str | None) -> str | None:
    """The code of a language that a model reports; the text itself if it is not a language."""
    try:
        return reported and language_code(reported)
    except UnknownLanguage:
        return reported


def _is_one_language(code: str) -> bool:
    """Whether a code names one language; private codes and groups of languages do not."""
    import langcodes  # here: few commands need it

    name = langcodes.Language.make(language=code).language_name("en")
    return not name.startswith("Unknown language") and not name.endswith(_GROUPS)


def _by_tag(text: str) -> str | None:
    import langcodes

    try:
        tag = langcodes.get(text)
    except ValueError:
        return None
    is_valid = tag.is_valid() and not tag.private and _is_region(tag.territory)
    return tag.prefer_macrolanguage().language if is_valid else None


def _is_region(territory: str | None) -> bool:
    """Whether a region is known, or none is given; private codes, such as XX, are not."""
    import langcodes

    if territory is None:
        return True
    name = langcodes.Language.make(territory=territory).territory_name("en")
    return not name.startswith(_NO_REGION)


def _by_name(text: str) -> str | None:
    import langcodes

    is_short = len(text) < _MIN_NAME and text.isascii()
    if is_short or any(character.isdigit() for character in text):
        return None  # langcodes ignores digits
    try:
        return _by_tag(langcodes.find(text).to_tag())
    except LookupError:
        return None


def code_among(code: str, languages: Iterable[str]) -> str | None:
    """Find the code in `languages` that names the same language as `code`; None if there is none.

    If `languages` is empty, every language is supported, as in Abilities, and `code` is returned.

    A model's code may differ from that of `language_code`: Whisper's Javanese is jw instead of jv.
    """
    return _code_among(code, tuple(languages))


@lru_cache(maxsize=1024)
def _code_among(code: str, languages: tuple[str, ...]) -> str | None:
    import langcodes

    if not languages or code in languages:
        return code
    return langcodes.closest_supported_match(code, languages, max_distance=_MAX_DISTANCE)
