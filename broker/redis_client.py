"""A Redis client: its type, how it is created, and the translation of its errors."""

# ruff: noqa: D102 - the commands are documented by Redis

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast

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
"""Errors that a client with `retry_forever` retries; it reconnects before each attempt."""


Value = str | int | float
"""A value that a command takes; Redis returns values as text."""


class Script(Protocol):
    """A Lua script that is registered with a client."""

    def __call__(self, *, keys: Sequence[str], args: Iterable[Value]) -> Any: ...


class Pipeline(Protocol):
    """Commands that are sent together; `execute` returns their replies in order."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def execute(self) -> list[Any]: ...
    def bitcount(self, key: str, start: int = ..., end: int = ...) -> object: ...
    def expire(self, name: str, time: int) -> object: ...
    def getbit(self, name: str, offset: int) -> object: ...
    def hdel(self, name: str, *keys: str) -> object: ...
    def hgetall(self, name: str) -> object: ...
    def hincrby(self, name: str, key: str, amount: int) -> object: ...
    def hlen(self, name: str) -> object: ...
    def hmget(self, name: str, *keys: str) -> object: ...
    def hset(self, name: str, key: str, value: Value) -> object: ...
    def hsetnx(self, name: str, key: str, value: Value) -> object: ...
    def hvals(self, name: str) -> object: ...
    def lindex(self, name: str, index: int) -> object: ...
    def llen(self, name: str) -> object: ...
    def persist(self, name: str) -> object: ...
    def set(self, name: str, value: Value, *, ex: int, nx: bool) -> object: ...
    def setbit(self, name: str, offset: int, value: int) -> object: ...


class RedisClient(Protocol):
    """The part of redis.Redis that the fleet uses, with the types of its decoded replies.

    The annotations of redis-py also cover clients that do not decode replies: their return types
    are bytes or text.
    """

    def delete(self, *names: str) -> int: ...
    def eval(self, script: str, numkeys: int, *keys_and_args: Value) -> Any: ...
    def get(self, name: str) -> str | None: ...
    def hdel(self, name: str, *keys: str) -> int: ...
    def hexists(self, name: str, key: str) -> bool: ...
    def hgetall(self, name: str) -> dict[str, str]: ...
    def hincrby(self, name: str, key: str, amount: int) -> int: ...
    def hlen(self, name: str) -> int: ...
    def hmget(self, name: str, keys: Sequence[str]) -> list[str | None]: ...
    def hscan(self, name: str, cursor: int, *, count: int) -> tuple[int, dict[str, str]]: ...
    def hset(
        self,
        name: str,
        key: str | None = None,
        value: Value | None = None,
        mapping: Mapping[str, Value] | None = None,
    ) -> int: ...
    def hsetnx(self, name: str, key: str, value: Value) -> int: ...
    def hvals(self, name: str) -> list[str]: ...
    def info(self, section: str) -> dict[str, Any]: ...
    def ping(self) -> bool: ...
    def pipeline(self, transaction: bool = True) -> Pipeline: ...
    def register_script(self, script: str) -> Script: ...
    def set(self, name: str, value: Value, *, ex: int) -> object: ...
    def time(self) -> tuple[int, int]: ...
    def zadd(self, name: str, mapping: Mapping[str, float]) -> int: ...
    def zrem(self, name: str, *values: str) -> int: ...
    def zrevrange(self, name: str, start: int, end: int) -> list[str]: ...
    def zrevrangebyscore(self, name: str, max: float, min: float) -> list[str]: ...  # noqa: A002


def connect(
    settings: Settings, *, retry_forever: bool = False, answer_within_s: float = 30.0
) -> RedisClient:
    """A Redis client for the ledger; create it in the process that uses it.

    Args:
        settings: where Redis is.
        retry_forever: retry while Redis is unavailable or out of memory, as a worker should;
            otherwise fail at once.
        answer_within_s: socket timeout; a Redis that does not answer in time is unavailable.
    """
    backoff = redis.backoff.ExponentialWithJitterBackoff(cap=10, base=0.1)
    waits = redis.retry.Retry(backoff, _FOR_EVER, supported_errors=_PASSING)
    client = redis.Redis.from_url(
        settings.broker_url,
        decode_responses=True,
        socket_connect_timeout=min(_CONNECT_WITHIN_S, answer_within_s),
        socket_timeout=answer_within_s,
        retry=waits if retry_forever else None,
    )
    return cast(RedisClient, client)


P = ParamSpec("P")
T = TypeVar("T")


def reached(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
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
