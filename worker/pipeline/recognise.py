"""Recognises a group of clips of many files and stores the results in each file.

Clips whose text is suspect are split, and their pieces recognised again, if the file's options ask
for it.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TypeVar

from funasr_fleet.contract.transcript import Stage, Word
from funasr_fleet.worker.engine.interface import Clip, Engine, Hints
from funasr_fleet.worker.error_handling import Skip, decide
from funasr_fleet.worker.pipeline.file_state import ClipOfFile, ClipResult
from funasr_fleet.worker.pipeline.timers import UtilizationTimer
from funasr_fleet.worker.pipeline.vad import cut_clip
from funasr_fleet.worker.text.quality import quality_flags
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.tokens import join_texts

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


def recognise(engine: Engine, group: Sequence[ClipOfFile], busy: UtilizationTimer) -> None:
    """Recognise, punctuate and, if requested, embed speakers; all files in common batches.

    A failure caused by one file is stored in that file and does not affect the others of the
    group. Any other error is raised.
    """
    clips = [one for one in group if one.file.error is None]
    with busy():
        for hints, same_hints in _group_by(lambda one: one.file.hints, clips).items():
            word_times = any(one.file.hints.word_times for one in same_hints)
            _recognise_with_hints(engine, same_hints, replace(hints, word_times=word_times))


def _recognise_with_hints(engine: Engine, clips: Sequence[ClipOfFile], hints: Hints) -> None:
    recognised = _batch_then_per_file(
        "recognise", clips, lambda batch: engine.recognise(_clips(batch), hints)
    )
    to_retry = [one for one in recognised if one.file.options.second_look]
    recognised |= _batch_then_per_file(
        "recognise",
        to_retry,
        lambda batch: _retry_suspects(engine, hints, {one: recognised[one] for one in batch}),
    )
    texts = _batch_then_per_file(
        "punctuate",
        list(recognised),
        lambda batch: engine.punctuate([recognised[one].text for one in batch]),
    )
    with_speakers = [one for one in texts if one.file.options.speakers]
    embeddings = _batch_then_per_file(
        "recognise", with_speakers, lambda batch: engine.embed_speakers(_clips(batch))
    )
    for one, text in texts.items():
        recognition = replace(recognised[one], text=text)
        result = ClipResult(
            span=one.clip.span, recognition=recognition, embeddings=embeddings.get(one)
        )
        one.file.channels[one.channel].append(result)


def _retry_suspects(
    engine: Engine, hints: Hints, recognised: Mapping[ClipOfFile, Recognition]
) -> list[Recognition]:
    """The results, with those of suspect clips replaced where re-recognition improved them."""
    whole = {one.clip: result for one, result in recognised.items()}
    try:
        improved = retry_suspect_clips(whole, lambda clips: engine.recognise(clips, hints))
    except Exception as error:
        if not isinstance(decide(error, 0), Skip):
            raise
        improved = {}  # keep the first results
    return [improved.get(one.clip, result) for one, result in recognised.items()]


def _batch_then_per_file(
    stage: Stage,
    clips: Sequence[ClipOfFile],
    act: Callable[[Sequence[ClipOfFile]], Sequence[Result]],
) -> dict[ClipOfFile, Result]:
    """Run a stage on all clips in one call; if that fails, once per file.

    Returns a result per clip. If a file fails in its own call too, the file stores the error, and
    its clips have no results.
    """
    if not clips:
        return {}
    try:
        return _timed(stage, clips, act)
    except Exception as error:
        if not isinstance(decide(error, 0), Skip):
            raise
    results: dict[ClipOfFile, Result] = {}
    for file, of_file in _group_by(lambda one: one.file, clips).items():
        try:
            results.update(_timed(stage, of_file, act))
        except Exception as error:
            if not isinstance(decide(error, 0), Skip):
                raise
            file.fail(error)
    return results


def _clips(clips: Sequence[ClipOfFile]) -> list[Clip]:
    return [one.clip for one in clips]


def _timed(
    stage: Stage,
    clips: Sequence[ClipOfFile],
    act: Callable[[Sequence[ClipOfFile]], Sequence[Result]],
) -> dict[ClipOfFile, Result]:
    """Run a stage; divide its time among the files in proportion to the length of their clips."""
    begin = time.perf_counter()
    results = dict(zip(clips, act(clips), strict=True))
    seconds = time.perf_counter() - begin
    total_s = sum(one.clip.seconds for one in clips) or 1.0
    for one in clips:
        share = one.clip.seconds / total_s
        one.file.fetched.file_job.stopwatch.add(stage, seconds * share)
    return results


def _group_by(
    key: Callable[[ClipOfFile], Key], clips: Iterable[ClipOfFile]
) -> dict[Key, list[ClipOfFile]]:
    groups: defaultdict[Key, list[ClipOfFile]] = defaultdict(list)
    for one in clips:
        groups[key(one)].append(one)
    return groups


_MIN_CLIP_S = 2.0
"""Shorter clips are not retried: their pieces give less text than the whole."""

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
    if result.left_out:  # a clip without speech needs no better text
        return False
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
        no_speech_prob=longest.no_speech_prob,
        probably_no_speech=any(one.probably_no_speech for one in results),
        left_out=join_texts([one.left_out for one in results]),
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
