"""Splits clips whose text is suspect and recognises the pieces."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.engine.interface import Clip
from funasr_fleet.worker.pipeline.vad_segments import cut_clip
from funasr_fleet.worker.text.quality import quality_flags
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.tokens import join_texts

_MIN_CLIP_S = 2.0
"""The pieces of a shorter clip give less text than the whole."""

Recognise = Callable[[Sequence[Clip]], Sequence[Recognition]]


def retry_suspect_clips(
    recognised: Mapping[Clip, Recognition], recognise: Recognise
) -> dict[Clip, Recognition]:
    """Recognise suspect clips again in pieces; return only the clips whose text improved.

    Args:
        recognised: clips, and the result of each as a whole.
        recognise: recognises many clips in one call.
    """
    suspects = [clip for clip, result in recognised.items() if _may_improve(clip, result)]
    pieces_of = [cut_clip(clip, -(-2 * clip.span.length_ms // 3)) for clip in suspects]
    results = iter(recognise([one for pieces in pieces_of for one in pieces]) if suspects else ())
    improved: dict[Clip, Recognition] = {}
    for clip, pieces in zip(suspects, pieces_of, strict=True):
        joined = join_recognitions(pieces, [next(results) for _ in pieces])
        if not quality_flags(joined.text, clip.seconds):
            improved[clip] = joined
    return improved


def _may_improve(clip: Clip, result: Recognition) -> bool:
    return clip.seconds >= _MIN_CLIP_S and bool(quality_flags(result.text, clip.seconds))


def join_recognitions(pieces: Sequence[Clip], results: Sequence[Recognition]) -> Recognition:
    """Join the results of neighbouring pieces into the result of one clip."""
    begin_ms = pieces[0].span.start_ms
    scores = [one.confidence for one in results if one.confidence is not None]
    longest = max(results, key=lambda one: len(one.text))
    return Recognition(
        text=join_texts([one.text for one in results]),
        words=_join_words([clip.span.start_ms - begin_ms for clip in pieces], results),
        confidence=fmean(scores) if scores else None,
        language=longest.language,
        emotion=longest.emotion,
        events=tuple(dict.fromkeys(event for one in results for event in one.events)),
    )


def _join_words(
    offsets_ms: Sequence[int], results: Sequence[Recognition]
) -> tuple[Word, ...] | None:
    """All words, in ms from the first piece; None if a result with text has no words."""
    if any(one.words is None and one.text for one in results):
        return None
    return tuple(
        word.model_copy(
            update={"start_ms": word.start_ms + offset_ms, "end_ms": word.end_ms + offset_ms}
        )
        for offset_ms, one in zip(offsets_ms, results, strict=True)
        for word in one.words or ()
    )
