"""A Redis client for the ledger, and the translation of Redis errors."""

from typing import Any

import redis
import redis.backoff
import redis.exceptions
import redis.retry

from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.settings import Settings

_FOR_EVER = -1

_CONNECT_WITHIN_S = 5.0

_PASSING = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.ReadOnlyError,  # after a failover, the connection is still to the old primary
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
)
"""Errors that a patient client retries; it reconnects before each attempt."""


def connect(
    settings: Settings, *, patient: bool = False, answer_within_s: float = 30.0
) -> redis.Redis:
    """A Redis client for the ledger; create it in the process that uses it.

    Args:
        settings: where Redis is.
        patient: retry indefinitely while Redis is unavailable or out of memory, as a worker should;
            otherwise fail at once.
        answer_within_s: socket timeout; a Redis that does not answer in time is unavailable.
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
    """Call Redis, and translate every Redis error to BrokerUnavailable.

    The messages contain host and port, never the password.
    """
    try:
        return call(*args, **kwargs)
    except redis.AuthenticationError as error:
        raise BrokerUnavailable(f"Redis refused the login: {error}") from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise BrokerUnavailable(f"Redis cannot be reached: {error}") from None
    except redis.RedisError as error:  # out of memory, read only, loading: may be temporary
        raise BrokerUnavailable(f"Redis refused a command: {error}") from None
