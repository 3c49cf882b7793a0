"""PURE: select the queue and the model of a job; its warnings and its unsupported options."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from funasr_fleet.contract.abilities import Abilities, ignored, unsupported
from funasr_fleet.contract.job import Options
from funasr_fleet.contract.queues import queue_of_model


@dataclass(frozen=True, kw_only=True)
class Route:
    """The queue and the model of a job."""

    queue: str
    """Name of the queue without a lane suffix."""
    model: str
    """Model whose results count as up to date."""
    is_known: bool
    """Whether the job is certain to run on this model; otherwise it is the settings' model."""
    served: bool = False
    """Whether active workers serve the queue with this model."""
    warnings: tuple[str, ...] = ()
    """One sentence for each reason why the job may wait or run on another model."""


def choose(
    requested: str | None,
    *,
    queue: str,
    model: str,
    active: Sequence[tuple[str, str]],
    recent: Sequence[tuple[str, str]] = (),
    current_queue: str | None = None,
) -> Route:
    """Select the route of one job.

    Args:
        requested: model that the job names, if any.
        queue: queue of the producer's settings.
        model: model of the producer's settings; possibly only its default.
        active: (queue, model) of the active workers.
        recent: (queue, model) seen within 7 days: workers restart, fleets scale to zero.
        current_queue: queue that an earlier run published parts of the job to, if any.
    """
    registered = (active, recent)
    chosen = current_queue or (
        _queue_for(requested, queue, model, registered) if requested else queue
    )
    served_models = sorted({one for its_queue, one in active if its_queue == chosen})
    selected = requested or (served_models[0] if len(served_models) == 1 else None)
    return Route(
        queue=chosen,
        model=selected or model,
        is_known=selected is not None,
        served=selected in served_models,
        warnings=_warnings(requested, chosen, served_models),
    )


def _queue_for(
    requested: str, queue: str, model: str, registered: Sequence[Sequence[tuple[str, str]]]
) -> str:
    """A queue that serves the model now, else one that recently did, else the model's own queue.

    The settings' queue is preferred where it qualifies.
    """
    for pairs in registered:
        queues = sorted(its_queue for its_queue, one in pairs if one == requested)
        if queues:
            return queue if queue in queues else queues[0]
    is_free = all(its_queue != queue for pairs in registered for its_queue, _ in pairs)
    return queue if requested == model and is_free else queue_of_model(requested)


def _warnings(requested: str | None, queue: str, served_models: Sequence[str]) -> tuple[str, ...]:
    start = f"fleet worker --queue {shlex.quote(queue)}"
    if requested is None and len(served_models) > 1:
        models = " and ".join(served_models)
        return (
            f"queue {queue} is served by {models}: any of them may transcribe files of this job; "
            "specify the model of the job",
        )
    if requested is None:
        unserved = (
            f"no worker serves queue {queue} now; the job waits until one is started: {start}"
        )
        return () if served_models else (unserved,)
    others = " and ".join(one for one in served_models if one != requested)
    if requested in served_models:
        mixed = (
            f"queue {queue} is also served by {others}: any of them may transcribe files of this "
            "job"
        )
        return (mixed,) if others else ()
    start = f"FLEET_MODEL={shlex.quote(requested)} {start}"
    if others:
        return (
            f"queue {queue} is now served by {others}, which will process the job instead of "
            f"{requested}; stop those workers and start: {start}",
        )
    return (
        f"no worker serves {requested} now; the job waits in queue {queue} until one is started: "
        f"{start}",
    )


def why_refused(choice: Route, abilities: Abilities | None, options: Options) -> str | None:
    """One sentence if the model does not support the options, else None.

    Nothing is rejected while no worker serves the queue with this model: when workers come back,
    they may have loaded other VAD, punctuation or speaker models.
    """
    if abilities is None or not choice.served:
        return None
    reasons = unsupported(options, abilities)
    return f"{choice.model} does not support this job: {'; '.join(reasons)}" if reasons else None


def with_warnings(choice: Route, abilities: Abilities | None, options: Options) -> Route:
    """The route with a warning for each option that its model ignores, if a worker reported it."""
    if abilities is None or not choice.served:
        return choice
    warnings = [f"{choice.model}: {reason}" for reason in ignored(options, abilities)]
    return replace(choice, warnings=(*choice.warnings, *warnings))
