"""Speech whose text is doubtful, cut in two and recognised once more."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from contract.transcript import Word
from worker.engine.interface import Clip
from worker.planning.assembly import Recognition
from worker.planning.quality import doubts
from worker.planning.words import join_texts
from worker.segmenting import cut_clip

_SHORTEST_S = 2.0
"""Halves of less say less than the whole."""

Recognise = Callable[[Sequence[Clip]], Sequence[Recognition]]


def look_again(heard: Mapping[Clip, Recognition], recognise: Recognise) -> dict[Clip, Recognition]:
    """What is better for having been cut; whoever still sounds doubtful is left out.

    Args:
        heard: clips, and what was recognised in each as a whole.
        recognise: recognises many clips at once.
    """
    doubtful = [clip for clip, said in heard.items() if _may_improve(clip, said)]
    pieces = [cut_clip(clip, -(-2 * clip.span.length_ms // 3)) for clip in doubtful]
    said = iter(recognise([piece for some in pieces for piece in some])) if pieces else iter(())
    better: dict[Clip, Recognition] = {}
    for clip, some in zip(doubtful, pieces, strict=True):
        joined = join_recognitions(some, [next(said) for _ in some])
        if not doubts(joined.text, clip.seconds):
            better[clip] = joined
    return better


def _may_improve(clip: Clip, said: Recognition) -> bool:
    return clip.seconds >= _SHORTEST_S and bool(doubts(said.text, clip.seconds))


def join_recognitions(pieces: Sequence[Clip], said: Sequence[Recognition]) -> Recognition:
    """What was heard in neighbouring pieces, as if they were one clip."""
    begin_ms = pieces[0].span.start_ms
    scores = [one.confidence for one in said if one.confidence is not None]
    longest = max(said, key=lambda one: len(one.text))
    return Recognition(
        text=join_texts([one.text for one in said]),
        words=_join_words([clip.span.start_ms - begin_ms for clip in pieces], said),
        confidence=fmean(scores) if scores else None,
        language=longest.language,
        emotion=longest.emotion,
        events=tuple(dict.fromkeys(event for one in said for event in one.events)),
    )


def _join_words(offsets_ms: Sequence[int], said: Sequence[Recognition]) -> tuple[Word, ...] | None:
    """The words of all, counted from the first piece; None where some text has none."""
    if any(one.words is None and one.text for one in said):
        return None
    return tuple(
        word.model_copy(
            update={"start_ms": word.start_ms + offset_ms, "end_ms": word.end_ms + offset_ms}
        )
        for offset_ms, one in zip(offsets_ms, said, strict=True)
        for word in one.words or ()
    )
