"""A group of clips of many files -> what was said, put down with each file."""

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from contract.transcript import Stage
from worker.busy import BusyClock
from worker.engine.interface import Clip, Engine, Hints
from worker.failures import Skip, decide
from worker.hearing import Said, Spoken
from worker.planning.assembly import Recognition
from worker.second_look import look_again

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
    for hints, spoken in _by(lambda one: one.hearing.hints, wanted).items():
        timed = any(one.hearing.hints.word_times for one in spoken)
        _recognise_alike(engine, spoken, replace(hints, word_times=timed))


def _recognise_alike(engine: Engine, spoken: Sequence[Spoken], hints: Hints) -> None:
    heard = _by_file_if_need_be(
        "recognise", spoken, lambda some: engine.recognise(_clips(some), hints)
    )
    again = [one for one in heard if one.hearing.options.second_look]
    heard |= _by_file_if_need_be(
        "recognise", again, lambda some: _better(engine, hints, {one: heard[one] for one in some})
    )
    texts = _by_file_if_need_be(
        "punctuate", list(heard), lambda some: engine.punctuate([heard[one].text for one in some])
    )
    asking = [one for one in texts if one.hearing.options.speakers]
    voices = _by_file_if_need_be("recognise", asking, lambda some: engine.hear_voices(_clips(some)))
    for one, text in texts.items():
        recognition = replace(heard[one], text=text)
        said = Said(span=one.clip.span, recognition=recognition, voice=voices.get(one))
        one.hearing.channels[one.channel].append(said)


def _better(engine: Engine, hints: Hints, heard: Mapping[Spoken, Recognition]) -> list[Recognition]:
    """The same, but for what a second look made less doubtful."""
    whole = {one.clip: said for one, said in heard.items()}
    try:
        better = look_again(whole, lambda clips: engine.recognise(clips, hints))
    except Exception as error:
        if not isinstance(decide(error, 0), Skip):
            raise
        better = {}  # what was heard at first is there
    return [better.get(one.clip, said) for one, said in heard.items()]


def _by_file_if_need_be(
    stage: Stage, spoken: Sequence[Spoken], act: Callable[[Sequence[Spoken]], Sequence[Result]]
) -> dict[Spoken, Result]:
    """What comes of each clip: of all files at once, or file by file if that fails.

    A file that fails by itself too is left with its error, and without results.
    """
    if not spoken:
        return {}
    try:
        return _timed(stage, spoken, act)
    except Exception as error:
        if not isinstance(decide(error, 0), Skip):
            raise
    results: dict[Spoken, Result] = {}
    for clips in _by(lambda one: one.hearing, spoken).values():
        try:
            results.update(_timed(stage, clips, act))
        except Exception as error:
            if not isinstance(decide(error, 0), Skip):
                raise
            clips[0].hearing.fail(error)
    return results


def _clips(spoken: Sequence[Spoken]) -> list[Clip]:
    return [one.clip for one in spoken]


def _timed(
    stage: Stage, spoken: Sequence[Spoken], act: Callable[[Sequence[Spoken]], Sequence[Result]]
) -> dict[Spoken, Result]:
    """Do it, and share its time out among the files by the length of their clips."""
    begin = time.perf_counter()
    results = dict(zip(spoken, act(spoken), strict=True))
    seconds = time.perf_counter() - begin
    total_s = sum(one.clip.seconds for one in spoken) or 1.0
    for one in spoken:
        share = one.clip.seconds / total_s
        one.hearing.incoming.task.stopwatch.add(stage, seconds * share)
    return results


def _by(key: Callable[[Spoken], Key], spoken: Iterable[Spoken]) -> dict[Key, list[Spoken]]:
    groups: defaultdict[Key, list[Spoken]] = defaultdict(list)
    for one in spoken:
        groups[key(one)].append(one)
    return groups
