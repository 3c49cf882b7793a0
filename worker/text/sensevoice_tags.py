"""Parse SenseVoice's output: text preceded by tags like <|en|><|HAPPY|><|Laughter|><|woitn|>."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from funasr_fleet.worker.text.tokens import join_texts, split_words

_TAG = re.compile(r"<\|([A-Za-z][A-Za-z0-9_]*)\|>")
_LANGUAGE = re.compile(r"[a-z]{2,3}|nospeech")
"""SenseVoiceSmall has zh, en, yue, ja and ko; larger models have more, also as ISO codes."""
_EVENT = re.compile(r"[A-Z][A-Za-z_]*")
_EMOTIONS = frozenset({"HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED"})
_IGNORED = frozenset({"EMO_UNKNOWN", "Event_UNK", "GBG", "Speech", "unk"})
"""Tags without information; GBG marks unusable sound (garbage)."""
_NO_SPEECH = "nospeech"


@dataclass(frozen=True)
class Tagged:
    """Text and its tags."""

    text: str
    language: str | None = None
    """ISO code; None without a language tag, or with the tag nospeech."""
    emotion: str | None = None
    """happy, sad, angry, neutral, fearful, disgusted, surprised."""
    events: tuple[str, ...] = ()
    """bgm, applause, laughter, cry, sneeze, breath, cough, sing ... in order, each once."""


def read_tags(raw: str) -> list[Tagged]:
    """Separate the tags from a text.

    A language tag begins a new part, which ends at the next language tag. Of several emotions in a
    part the first one is used. Unknown tags are removed from the text: capitalised ones are kept as
    events in lower case, because new models may detect new events; others, such as withitn, repeat
    the options of the request. Anything that is not a complete tag, such as <| alone or <|a b|>,
    is text.

    Args:
        raw: output of the model, for one clip or for several clips in a row.

    Returns:
        One item per language tag, even without text, and one for the text before the first tag;
        none for an empty text.
    """
    return [_read(part) for part in _parts(raw) if part.strip()]


def combine(tagged: Sequence[Tagged]) -> Tagged:
    """Merge all parts: language and emotion of the part with most words, each event once."""
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
    """Split before each language tag."""
    begin = 0
    for tag in _TAG.finditer(raw):
        if _is_language(tag[1]):
            yield raw[begin : tag.start()]
            begin = tag.start()
    yield raw[begin:]


def _is_language(name: str) -> bool:
    return _LANGUAGE.fullmatch(name) is not None and name not in _IGNORED


def _read(part: str) -> Tagged:
    names = [name for name in _TAG.findall(part) if name not in _IGNORED]
    languages = [name for name in names if _is_language(name) and name != _NO_SPEECH]
    emotions = [name.lower() for name in names if name in _EMOTIONS]
    events = [n.lower() for n in names if _EVENT.fullmatch(n) and n not in _EMOTIONS]
    return Tagged(
        text=join_texts(_TAG.split(part)[::2]),  # odd items are the tag names
        language=next(iter(languages), None),
        emotion=next(iter(emotions), None),
        events=tuple(dict.fromkeys(events)),
    )
