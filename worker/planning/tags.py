"""SenseVoice's text: what is said, behind tags such as <|en|><|HAPPY|><|Laughter|><|woitn|>."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.planning.words import join_texts, split_words

_TAG = re.compile(r"<\|([A-Za-z][A-Za-z0-9_]*)\|>")
_LANGUAGE = re.compile(r"[a-z]{2,3}|nospeech")
"""SenseVoiceSmall knows zh, en, yue, ja and ko; larger ones many others, by their ISO codes."""
_EVENT = re.compile(r"[A-Z][A-Za-z_]*")
_EMOTIONS = frozenset({"HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED"})
_NOTHING = frozenset({"EMO_UNKNOWN", "Event_UNK", "GBG", "Speech", "unk"})
"""Tags that say that there is nothing to say; GBG is sound of no use."""
_NO_SPEECH = "nospeech"


@dataclass(frozen=True)
class Tagged:
    """What was said under one set of tags."""

    text: str
    language: str | None = None
    """ISO code; None when no tag says it, or that nobody spoke."""
    emotion: str | None = None
    """happy, sad, angry, neutral, fearful, disgusted, surprised."""
    events: tuple[str, ...] = ()
    """bgm, applause, laughter, cry, sneeze, breath, cough, sing ... in order, each once."""


def read_tags(raw: str) -> list[Tagged]:
    """Take the tags out of a text.

    A language's tag begins something new; everything up to the next one belongs to it, and of
    several emotions the first counts. Unknown tags leave the text: those with a capital are kept
    as events in small letters, for new models hear new things; others, such as withitn, say how
    the model was asked. What does not look like a tag, such as <| alone or <|a b|>, is text.

    Args:
        raw: what the model returns, of one clip or of several in a row.

    Returns:
        One for each language's tag, also where nothing was said, and one for what lies before the
        first; none for an empty text.
    """
    return [_read(part) for part in _parts(raw) if part.strip()]


def combine(tagged: Sequence[Tagged]) -> Tagged:
    """All as one: language and emotion of the one with most words, every event once."""
    if not tagged:
        return Tagged("")
    longest = max(tagged, key=lambda one: len(split_words(one.text)))
    events = dict.fromkeys(event for one in tagged for event in one.events)
    return Tagged(
        text=join_texts([one.text for one in tagged]),
        language=longest.language,
        emotion=longest.emotion,
        events=tuple(events),
    )


def _parts(raw: str) -> Iterator[str]:
    """Cut before each tag of a language."""
    begin = 0
    for tag in _TAG.finditer(raw):
        if _is_language(tag[1]):
            yield raw[begin : tag.start()]
            begin = tag.start()
    yield raw[begin:]


def _is_language(name: str) -> bool:
    return _LANGUAGE.fullmatch(name) is not None and name not in _NOTHING


def _read(part: str) -> Tagged:
    names = [name for name in _TAG.findall(part) if name not in _NOTHING]
    languages = [name for name in names if _is_language(name) and name != _NO_SPEECH]
    emotions = [name.lower() for name in names if name in _EMOTIONS]
    events = [n.lower() for n in names if _EVENT.fullmatch(n) and n not in _EMOTIONS]
    return Tagged(
        text=join_texts(_TAG.split(part)[::2]),  # the others are the names
        language=next(iter(languages), None),
        emotion=next(iter(emotions), None),
        events=tuple(dict.fromkeys(events)),
    )
