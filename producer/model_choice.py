"""PURE: which queue a job goes to and which model does it; what to warn of, and what to refuse."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from contract.abilities import Abilities, unsupported
from contract.job import Options
from contract.queues import queue_of_model


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Where a job goes."""

    queue: str
    """Without its lanes."""
    model: str
    """Whose results count as done."""
    certain: bool
    """Whether it is known that this model does the job; else it is what the settings say."""
    served: bool = False
    """Whether workers with this model take from the queue now."""
    warnings: tuple[str, ...] = ()
    """One sentence for each thing that may not be as it was meant."""


def choose(
    asked: str | None,
    *,
    queue: str,
    model: str,
    serving: Sequence[tuple[str, str]],
    remembered: Sequence[tuple[str, str]] = (),
    bound_to: str | None = None,
) -> Choice:
    """Decide for one job.

    Args:
        asked: the model that it names, if it names one.
        queue: of the producer's settings.
        model: of the producer's settings, which nobody may have thought about.
        serving: (queue, model) of the workers that are there now.
        remembered: the same of the last days: workers restart, and fleets are scaled to nothing.
        bound_to: the queue that an earlier run has sent parts of the job to.
    """
    places = (serving, remembered)
    chosen = bound_to or (_queue_for(asked, queue, model, places) if asked else queue)
    held = sorted({one for where, one in serving if where == chosen})
    doer = asked or (held[0] if len(held) == 1 else None)
    return Choice(
        queue=chosen,
        model=doer or model,
        certain=doer is not None,
        served=doer in held,
        warnings=_warnings(asked, chosen, held),
    )


def _queue_for(
    asked: str, queue: str, model: str, places: Sequence[Sequence[tuple[str, str]]]
) -> str:
    """Where the model is; else where it was; else where it would be at home."""
    for pairs in places:
        where = sorted(place for place, one in pairs if one == asked)
        if where:
            return queue if queue in where else where[0]
    is_free = all(place != queue for pairs in places for place, _ in pairs)
    return queue if asked == model and is_free else queue_of_model(asked)


def _warnings(asked: str | None, queue: str, held: Sequence[str]) -> tuple[str, ...]:
    start = f"fleet worker --queue {shlex.quote(queue)}"
    if asked is None and len(held) > 1:
        models = " and ".join(held)
        return (
            f"queue {queue} is served by {models}: any of them may do files of this job; name one "
            "with --model",
        )
    if asked is None:
        lonely = f"no worker serves queue {queue} now; the job waits until one does: {start}"
        return () if held else (lonely,)
    others = " and ".join(one for one in held if one != asked)
    if asked in held:
        mixed = f"queue {queue} is served by {others}, too: any of them may do files of this job"
        return (mixed,) if others else ()
    start = f"FLEET_MODEL={shlex.quote(asked)} {start}"
    if others:
        return (
            f"queue {queue} is served by {others} now, which does the job in place of {asked}; "
            f"stop those workers, and start: {start}",
        )
    return (f"no worker holds {asked} now; the job waits in queue {queue} until one does: {start}",)


def why_refused(choice: Choice, abilities: Abilities | None, options: Options) -> str | None:
    """One sentence when the workers of the queue cannot serve the options, else None.

    Workers that are away may come back with other models beside theirs.
    """
    if abilities is None or not choice.served:
        return None
    reasons = unsupported(options, abilities)
    return f"{choice.model} will not do for this job: {'; '.join(reasons)}" if reasons else None
