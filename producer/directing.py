"""Ask which workers are there, and decide by it where a job goes; see model_choice."""

import time
from typing import Any

from contract.fleet_state import FleetState
from contract.job import Options
from contract.queues import lanes, queue_of
from contract.settings import Settings
from producer.model_choice import Choice, choose, why_refused
from producer.refusals import OptionsRefused

_NEVER_LOADED = "never loaded"
"""No result has such a revision: whoever asks for a model does not mean the results of others. What
is done by it all the same, its workers find, and skip."""


def direct(redis: Any, settings: Settings, model: str | None, lane: str | None = None) -> Choice:
    """Where a job goes.

    Args:
        redis: of contract.ledger.connect.
        settings: whose queue it is, unless the job names a model.
        model: what the job names.
        lane: where an earlier run has sent parts of the job.

    Raises:
        OptionsRefused: the model has no name.
        BrokerUnavailable: Redis fails.
    """
    if model is not None and not model.strip():
        raise OptionsRefused("the model has no name: leave --model out, or say which")
    fleet, now = FleetState(redis, settings.key_prefix), time.time()
    own = lane is None or lane in lanes(settings.queue)
    return choose(
        model,
        queue=settings.queue,
        model=settings.model,
        serving=fleet.serving(now),
        remembered=fleet.remembered(now),
        bound_to=lane and (settings.queue if own else queue_of(lane)),
    )


def refuse_unsupported(redis: Any, settings: Settings, choice: Choice, options: Options) -> None:
    """Look whether the model can do what is asked of it, as far as workers have told.

    Raises:
        OptionsRefused: it cannot.
        BrokerUnavailable: Redis fails.
    """
    fleet = FleetState(redis, settings.key_prefix)
    why = why_refused(choice, fleet.abilities_of(choice.model, choice.queue), options)
    if why:
        raise OptionsRefused(why)


def revision_at(redis: Any, settings: Settings, choice: Choice) -> str | None:
    """The revision whose results count as done; None when those of any model do.

    Raises:
        BrokerUnavailable: Redis fails.
    """
    fleet = FleetState(redis, settings.key_prefix)
    known = fleet.revision_of(choice.model, choice.queue)
    # a Redis that was emptied has forgotten what workers told when they began
    return known or (_NEVER_LOADED if choice.certain and not choice.served else None)
