"""A client for the ledger, and Redis' errors in our words."""

from typing import Any

import redis
import redis.backoff
import redis.exceptions
import redis.retry

from contract.queues import BrokerUnavailable
from contract.settings import Settings

_FOR_EVER = -1

_CONNECT_WITHIN_S = 5.0

_PASSING = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.ReadOnlyError,  # another takes over; the connection is still to the old one
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
)
"""What a patient client waits for. Before each try it connects anew."""


def connect(
    settings: Settings, *, patient: bool = False, answer_within_s: float = 30.0
) -> redis.Redis:
    """A client for the ledger; make it in the process that uses it.

    Args:
        settings: where Redis is.
        patient: wait for a Redis that is away or full, as a worker should; else ask once.
        answer_within_s: a Redis that says nothing for so long is away.
    """
    backoff = redis.backoff.ExponentialWithJitterBackoff(cap=10, base=0.1)
    waits = redis.retry.Retry(backoff, _FOR_EVER, supported_errors=_PASSING)
    return redis.Redis.from_url(
        settings.broker_url,
        decode_responses=True,
        socket_connect_timeout=min(_CONNECT_WITHIN_S, answer_within_s),
        socket_timeout=answer_within_s,
        retry=waits if patient else None,
    )


def reached(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Call Redis; its errors of connection and login become BrokerUnavailable.

    Their text holds host and port, never the password.
    """
    try:
        return call(*args, **kwargs)
    except redis.AuthenticationError as error:
        raise BrokerUnavailable(f"Redis refused the login: {error}") from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise BrokerUnavailable(f"Redis cannot be reached: {error}") from None
    except redis.RedisError as error:  # out of memory, read only, loading: it may pass
        raise BrokerUnavailable(f"Redis refused a command: {error}") from None
