"""Checks of Redis: reachable, writable, clock in sync, queue. redis_server has the others."""

import time
import uuid
from collections.abc import Callable, Iterator

import redis
import redis.exceptions

from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.broker.redis_client import RedisClient
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.doctor import Finding
from funasr_fleet.doctor.redis_server import check_server
from funasr_fleet.settings import Settings, redact

_SLOW_S = 0.05
"""Round trips to Redis that take longer are reported; a worker makes about ten per shard."""

_CLOCK_WARNING_S, _CLOCK_ERROR_S = 1.0, 5.0
"""Limits for the difference between the clocks. Workers renew leases six times per
FLEET_VISIBILITY_TIMEOUT_S, each by its own clock."""

_CLOCK_ADVICE = "leases depend on the clocks: synchronise the machines with NTP"

_MARK, _MARK_S = "written by fleet doctor", 10
"""Test value, and its expiry in seconds in case it cannot be deleted."""

_REFUSALS: tuple[tuple[type[redis.RedisError], str], ...] = (
    (
        redis.exceptions.NoPermissionError,
        "grant this user the rights in deploy/valkey-acl.conf, with FLEET_KEY_PREFIX after each ~",
    ),
    (redis.exceptions.ReadOnlyError, "this is a replica: FLEET_BROKER_URL must name the primary"),
    (
        redis.exceptions.OutOfMemoryError,
        "raise maxmemory, or let workers empty the queue before enqueueing more",
    ),
    (redis.exceptions.AskError, "this is a cluster: use a single primary with replicas"),
)


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Yield seven findings; once Redis cannot be reached, an error replaces the remaining ones."""
    client = connect(settings)
    ledger = LedgerReader(client, settings.key_prefix)
    try:
        yield _answers(settings, round_trip_s(ledger.check))
        yield try_writing(client, settings.key_prefix)
        yield _clock(client)
        yield from check_server(client)
        yield _queue(settings, ledger, WorkerRegistry(client, settings.key_prefix))
    except (BrokerUnavailable, redis.ConnectionError, redis.TimeoutError) as error:
        advice = "check FLEET_BROKER_URL, and that the server is running"
        yield Finding("broker", "error", str(error), advice, unreachable=True)


def round_trip_s(ask: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> float:
    """Duration of one request in seconds, without connecting (TCP, TLS, login).

    A worker keeps its connection, so connecting is a one-time cost.
    """
    ask()
    begun = clock()
    ask()
    return clock() - begun


def _answers(settings: Settings, seconds: float) -> Finding:
    detail = f"{redact(settings.broker_url)} answers in {1000 * seconds:.1f} ms"
    if seconds > _SLOW_S:
        return Finding("broker", "warning", detail, "move Redis closer to the workers")
    return Finding("broker", "ok", detail)


def try_writing(client: RedisClient, key_prefix: str) -> Finding:
    """Set, get and delete a key.

    A ping also succeeds on a server that is out of memory, is a replica, or denies access to keys.

    Args:
        client: from broker.redis_client.connect.
        key_prefix: FLEET_KEY_PREFIX; the user's rights may be limited to keys with it.
    """
    key = f"{key_prefix}fleet:doctor"
    own = f"{key}:{uuid.uuid4()}"  # two doctors may run at once
    try:
        client.set(own, _MARK, ex=_MARK_S)
        found = client.get(own)
        client.delete(own)
    except redis.RedisError as error:
        return _refused(key, error)
    if found != _MARK:
        advice = "reads must return the latest write: do not use a proxy that reads from replicas"
        return Finding("broker write", "error", f"{key} reads back another value", advice)
    return Finding("broker write", "ok", f"{key} can be written, read and deleted")


def _refused(key: str, error: Exception) -> Finding:
    detail = f"Redis cannot write, read or delete {key}: {error}"
    gone = isinstance(error, (redis.ConnectionError, redis.TimeoutError))
    advice = "check that the server is running" if gone else "fix this error; see also its log"
    advice = next((how for kind, how in _REFUSALS if isinstance(error, kind)), advice)
    return Finding("broker write", "error", detail, advice, unreachable=gone)


def _clock(client: RedisClient) -> Finding:
    before = time.time()
    try:
        seconds, microseconds = client.time()
    except redis.ResponseError as error:
        return Finding(
            "clock", "warning", f"cannot read the clock of Redis: {error}", _CLOCK_ADVICE
        )
    after = time.time()
    return check_clock((before + after) / 2 - (seconds + microseconds / 1e6))


def check_clock(ahead_s: float) -> Finding:
    """Check by how many seconds this machine's clock is ahead of that of Redis."""
    detail = f"{abs(ahead_s):.2f} s {'ahead of' if ahead_s > 0 else 'behind'} the clock of Redis"
    if abs(ahead_s) > _CLOCK_ERROR_S:
        return Finding("clock", "error", detail, _CLOCK_ADVICE)
    if abs(ahead_s) > _CLOCK_WARNING_S:
        return Finding("clock", "warning", detail, _CLOCK_ADVICE)
    return Finding("clock", "ok", detail)


def _queue(settings: Settings, ledger: LedgerReader, fleet: WorkerRegistry) -> Finding:
    ready, unacked = ledger.backlog(settings.queue)
    models = [model for queue, model in fleet.active(time.time()) if queue == settings.queue]
    detail = (
        f"{settings.queue}: {ready:,} messages ready, {unacked:,} unacknowledged; served by "
        f"{' and '.join(models) or 'no worker now'}"
    )
    return Finding("queue", "ok", detail)
