"""Select the queue of a job from the workers registered in Redis; model_choice decides."""

import time

from funasr_fleet.broker.redis_client import RedisClient
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.job import Options
from funasr_fleet.contract.queues import lanes, queue_of
from funasr_fleet.producer.errors import OptionsRefused
from funasr_fleet.producer.model_choice import Route, choose, why_refused, with_warnings
from funasr_fleet.settings import Settings

_NEVER_LOADED = "never loaded"
"""A revision that no result has. A job of a known model must not reuse results of other models.
Files that this model already transcribed are enqueued too; its workers skip them."""


def route_job(
    redis: RedisClient, settings: Settings, model: str | None, lane: str | None = None
) -> Route:
    """Select the queue and the model of a job.

    Args:
        redis: client from broker.redis_client.connect.
        settings: their queue and model are used unless the job names a model.
        model: model that the job names, if any.
        lane: lane that an earlier run of the job published to, if any.

    Raises:
        OptionsRefused: the model name is empty.
        BrokerUnavailable: Redis is unavailable.
    """
    if model is not None and not model.strip():
        raise OptionsRefused("the model name is empty: pass a name, or no model")
    fleet, now = WorkerRegistry(redis, settings.key_prefix), time.time()
    own = lane is None or lane in lanes(settings.queue)
    return choose(
        model,
        queue=settings.queue,
        model=settings.model,
        active=fleet.active(now),
        recent=fleet.recent(now),
        current_queue=lane and (settings.queue if own else queue_of(lane)),
    )


def check_options(redis: RedisClient, settings: Settings, choice: Route, options: Options) -> Route:
    """Reject options that the model does not support, as far as its workers have reported.

    Returns the route, with a warning for each option that the model ignores.

    Raises:
        OptionsRefused: an option is not supported.
        BrokerUnavailable: Redis is unavailable.
    """
    fleet = WorkerRegistry(redis, settings.key_prefix)
    abilities = fleet.abilities_of(choice.model, choice.queue)
    if why := why_refused(choice, abilities, options):
        raise OptionsRefused(why)
    return with_warnings(choice, abilities, options)


def revision_at(redis: RedisClient, settings: Settings, choice: Route) -> str | None:
    """The model revision whose results are up to date; None if any revision is accepted.

    Raises:
        BrokerUnavailable: Redis is unavailable.
    """
    fleet = WorkerRegistry(redis, settings.key_prefix)
    known = fleet.revision_of(choice.model, choice.queue)
    return known or (_NEVER_LOADED if choice.is_known else None)
