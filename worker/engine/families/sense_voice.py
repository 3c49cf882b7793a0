"""SenseVoice: text preceded by tags for language, emotion, event and number format."""

from typing import Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.engine.families.interface import Family
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.sensevoice_tags import combine, read_tags

LANGUAGES = ("zh", "en", "yue", "ja", "ko")
"""The languages of `lid_dict` in FunASR's model (sense_voice/model.py, 1.4.16)."""


def generate_options(hints: Hints) -> dict[str, Any]:
    """Word times are requested only if needed: they cost a forced alignment per clip."""
    return {
        "language": hints.language or "auto",
        "use_itn": hints.itn is not False,
        "output_timestamp": hints.word_times,
    }


def read_result(result: dict[str, Any], _extras: Any = None) -> Recognition:
    """Parse one item of generate's result."""
    tagged = combine(read_tags(str(result.get("text", ""))))
    return Recognition(
        text=tagged.text,
        words=read_words(result.get("words"), result.get("timestamp")) if tagged.text else None,
        language=tagged.language,
        emotion=tagged.emotion,
        events=tagged.events,
    )


def read_words(pieces: Any, times: Any) -> tuple[Word, ...] | None:
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
    note="--no-itn also disables its punctuation",
)
