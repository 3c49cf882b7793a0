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
    warnings: tuple[str, ...] = ()
    """One sentence for each thing that may not be as it was meant."""


def choose(
    asked: str | None,
    *,
    queue: str,
    model: str,
    serving: Sequence[tuple[str, str]],
    bound_to: str | None = None,
) -> Choice:
    """Decide for one job.

    Args:
        asked: the model that it names, if it names one.
        queue: of the producer's settings.
        model: of the producer's settings, which nobody may have thought about.
        serving: (queue, model) of the workers that are there now.
        bound_to: the queue that an earlier run has sent parts of the job to.
    """
    chosen = bound_to or (_queue_for(asked, queue, model, serving) if asked else queue)
    held = sorted({one for where, one in serving if where == chosen})
    doer = asked or (held[0] if len(held) == 1 else None)
    return Choice(
        queue=chosen,
        model=doer or model,
        certain=doer is not None,
        warnings=_warnings(asked, chosen, held),
    )


def _queue_for(asked: str, queue: str, model: str, serving: Sequence[tuple[str, str]]) -> str:
    """Where the model is; else where it would be at home."""
    where = sorted(place for place, one in serving if one == asked)
    if queue in where:
        return queue
    if where:
        return where[0]
    is_free = all(place != queue for place, _ in serving)
    return queue if asked == model and is_free else queue_of_model(asked)


def _warnings(asked: str | None, queue: str, held: Sequence[str]) -> tuple[str, ...]:
    start = f"fleet worker --queue {shlex.quote(queue)}"
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
    """One sentence when the job's model is known not to serve its options, else None."""
    if abilities is None or not choice.certain:
        return None
    reasons = unsupported(options, abilities)
    return f"{choice.model} will not do for this job: {'; '.join(reasons)}" if reasons else None
