"""SenseVoice: text preceded by tags like <|en|><|HAPPY|><|Laughter|><|woitn|>."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.engine.families.interface import Family
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.tokens import join_texts, split_words

_TAG = re.compile(r"<\|([A-Za-z][A-Za-z0-9_]*)\|>")
_LANGUAGE = re.compile(r"[a-z]{2,3}|nospeech")
"""SenseVoiceSmall has zh, en, yue, ja and ko; larger models have more, also as ISO codes."""
_EVENT = re.compile(r"[A-Z][A-Za-z_]*")
_EMOTIONS = frozenset({"HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED"})
_IGNORED = frozenset({"EMO_UNKNOWN", "Event_UNK", "GBG", "Speech", "unk"})
"""Tags without information; GBG marks unusable sound (garbage)."""
_NO_SPEECH = "nospeech"


def read_tags(raw: str) -> list[Recognition]:
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
        none for an empty text. The language is an ISO code, None without a language tag or with
        the tag nospeech; the emotion is happy, sad, angry, neutral, fearful, disgusted or
        surprised; the events are bgm, applause, laughter, cry, sneeze, breath, cough, sing ... in
        order, each once.
    """
    return [_read(part) for part in _parts(raw) if part.strip()]


def combine(tagged: Sequence[Recognition]) -> Recognition:
    """Merge all parts: language and emotion of the longest one, and every event once."""
    if not tagged:
        return Recognition(text="")
    longest = max(tagged, key=lambda one: len(split_words(one.text)))
    events = dict.fromkeys(event for one in tagged for event in one.events)
    return Recognition(
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


def _read(part: str) -> Recognition:
    names = [name for name in _TAG.findall(part) if name not in _IGNORED]
    languages = [name for name in names if _is_language(name) and name != _NO_SPEECH]
    emotions = [name.lower() for name in names if name in _EMOTIONS]
    events = [n.lower() for n in names if _EVENT.fullmatch(n) and n not in _EMOTIONS]
    return Recognition(
        text=join_texts(_TAG.split(part)[::2]),  # odd items are the tag names
        language=next(iter(languages), None),
        emotion=next(iter(emotions), None),
        events=tuple(dict.fromkeys(events)),
    )


LANGUAGES = ("zh", "en", "yue", "ja", "ko")
"""The languages of `lid_dict` in FunASR's model (sense_voice/model.py, 1.4.16)."""


def generate_options(hints: Hints) -> dict[str, Any]:
    """Word times are requested only if needed: they cost a forced alignment per clip."""
    return {
        "language": hints.language or "auto",
        "use_itn": hints.itn is not False,
        "output_timestamp": hints.word_times,
    }


def read_result(result: dict[str, Any], _confidence: float | None = None) -> Recognition:
    """Parse one item of generate's result."""
    tagged = combine(read_tags(str(result.get("text", ""))))
    words = read_words(result.get("words"), result.get("timestamp")) if tagged.text else None
    return replace(tagged, words=words)


def read_words(pieces: object, times: object) -> tuple[Word, ...] | None:
    """Words with their times in ms, without punctuation; None when the model returned none."""
    if not isinstance(pieces, list) or not isinstance(times, list) or len(pieces) != len(times):
        return None
    timed_pieces = [
        (str(piece).strip("\u2581 "), time) for piece, time in zip(pieces, times, strict=True)
    ]
    return tuple(
        Word(text=piece, start_ms=int(start), end_ms=max(int(start), int(end)))
        for piece, (start, end) in timed_pieces
        if any(character.isalnum() for character in piece) and not piece.startswith("<|")
    )


SENSE_VOICE = Family(
    title="SenseVoice",
    classes=frozenset({"SenseVoiceSmall"}),
    examples=("iic/SenseVoiceSmall",),
    files="`model.pt`, `am.mvn`, the SentencePiece model (`*.bpe.model`)",
    can=Abilities(
        word_times=True,
        languages=LANGUAGES,
        detects_language=True,
        emotion_and_events=True,
        itn=True,
        punctuation=True,
    ),
    generate_options=generate_options,
    read=read_result,
    note="without ITN, the text has no punctuation",
)
