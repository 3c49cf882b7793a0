"""A group of clips of many files -> what was said, put down with each file."""

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from contract.transcript import Stage
from worker.busy import BusyClock
from worker.engine.interface import Engine, Voice
from worker.failures import Skip, decide
from worker.hearing import Said, Spoken
from worker.planning.assembly import Recognition

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


def recognise(engine: Engine, group: Sequence[Spoken], busy: BusyClock) -> None:
    """Recognise, punctuate and, where asked for, hear voices; all files together.

    A failure that belongs to some file is left with that file; others of the group are not
    touched. Whatever else goes wrong is raised.
    """
    with busy():
        _recognise(engine, group)


def _recognise(engine: Engine, group: Sequence[Spoken]) -> None:
    wanted = [one for one in group if one.hearing.error is None]
    for spoken in _by(lambda one: one.hearing.hints, wanted).values():
        try:
            _recognise_together(engine, spoken)
        except Exception as error:
            if not isinstance(decide(error, 0), Skip):
                raise
            for clips in _by(lambda one: one.hearing, spoken).values():
                _recognise_one_file(engine, clips)


def _recognise_one_file(engine: Engine, clips: Sequence[Spoken]) -> None:
    try:
        _recognise_together(engine, clips)
    except Exception as error:
        if not isinstance(decide(error, 0), Skip):
            raise
        clips[0].hearing.fail(error)


def _recognise_together(engine: Engine, spoken: Sequence[Spoken]) -> None:
    clips, hints = [one.clip for one in spoken], spoken[0].hearing.hints
    heard = _timed("recognise", spoken, lambda: engine.recognise(clips, hints))
    texts = [one.text for one in heard]
    punctuated = _timed("punctuate", spoken, lambda: engine.punctuate(texts))
    voices = _voices(engine, spoken)
    for one, said, text in zip(spoken, heard, punctuated, strict=True):
        recognition = Recognition(text=text, words=said.words)
        one.hearing.channels[one.channel].append(
            Said(span=one.clip.span, recognition=recognition, voice=voices.get(one))
        )


def _voices(engine: Engine, spoken: Sequence[Spoken]) -> dict[Spoken, Voice]:
    asking = [one for one in spoken if one.hearing.options.speakers]
    if not asking:
        return {}
    clips = [one.clip for one in asking]
    heard = _timed("recognise", asking, lambda: engine.hear_voices(clips))
    return dict(zip(asking, heard, strict=True))


def _timed(stage: Stage, spoken: Sequence[Spoken], act: Callable[[], Result]) -> Result:
    """Do it, and share its time out among the files by the length of their clips."""
    begin = time.perf_counter()
    result = act()
    seconds = time.perf_counter() - begin
    total_s = sum(one.clip.seconds for one in spoken) or 1.0
    for one in spoken:
        share = one.clip.seconds / total_s
        one.hearing.incoming.task.stopwatch.add(stage, seconds * share)
    return result


def _by(key: Callable[[Spoken], Key], spoken: Iterable[Spoken]) -> dict[Key, list[Spoken]]:
    groups: defaultdict[Key, list[Spoken]] = defaultdict(list)
    for one in spoken:
        groups[key(one)].append(one)
    return groups
