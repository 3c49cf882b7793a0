"""SenseVoice: text behind tags that say language, emotion, event, and how numbers are written."""

from typing import Any

from contract.abilities import Abilities
from contract.transcript import Word
from worker.engine.families.interface import Family
from worker.engine.interface import Hints
from worker.planning.assembly import Recognition
from worker.planning.tags import combine, read_tags

LANGUAGES = ("zh", "en", "yue", "ja", "ko")
"""Those of `lid_dict` in FunASR's model (sense_voice/model.py, 1.4.16)."""


def ask(hints: Hints) -> dict[str, Any]:
    """Times cost a forced alignment per clip: only where they are wanted."""
    return {
        "language": hints.language or "auto",
        "use_itn": hints.itn is not False,
        "output_timestamp": hints.word_times,
    }


def read_result(result: dict[str, Any], _overheard: Any = None) -> Recognition:
    """One item of what generate returns."""
    heard = combine(read_tags(str(result.get("text", ""))))
    return Recognition(
        text=heard.text,
        words=read_words(result.get("words"), result.get("timestamp")) if heard.text else None,
        language=heard.language,
        emotion=heard.emotion,
        events=heard.events,
    )


def read_words(pieces: Any, times: Any) -> tuple[Word, ...] | None:
    """Words with their times in ms, without punctuation; None where the model gave none."""
    if not isinstance(pieces, list) or not isinstance(times, list) or len(pieces) != len(times):
        return None
    said = [(str(piece).strip("\u2581 "), time) for piece, time in zip(pieces, times, strict=True)]
    return tuple(
        Word(text=piece, start_ms=int(start), end_ms=max(int(start), int(end)))
        for piece, (start, end) in said
        if any(character.isalnum() for character in piece) and not piece.startswith("<|")
    )


SENSE_VOICE = Family(
    title="SenseVoice",
    classes=frozenset({"SenseVoiceSmall"}),
    examples=("iic/SenseVoiceSmall",),
    can=Abilities(
        word_times=True,
        languages=LANGUAGES,
        detects_language=True,
        emotion_and_events=True,
        itn=True,
        punctuation=True,
    ),
    ask=ask,
    read=read_result,
    note="with --no-itn it writes no punctuation",
)
