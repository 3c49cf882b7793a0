"""Ask which workers are there, and decide by it where a job goes; see model_choice."""

import time
from typing import Any

from contract.fleet_state import FleetState
from contract.job import Options
from contract.queues import queue_of
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
        BrokerUnavailable: Redis fails.
    """
    serving = FleetState(redis, settings.key_prefix).serving(time.time())
    return choose(
        model,
        queue=settings.queue,
        model=settings.model,
        serving=serving,
        bound_to=queue_of(lane) if lane else None,
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
    return known or (_NEVER_LOADED if choice.certain else None)
