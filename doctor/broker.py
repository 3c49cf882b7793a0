"""Redis: answers, takes and keeps what it is given, agrees on the time."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import redis
import redis.exceptions

from contract.fleet_state import FleetState
from contract.ledger import Ledger, connect
from contract.queues import BrokerUnavailable
from contract.settings import Settings, redact
from doctor.finding import Finding

_SLOW_S = 0.05
"""A worker asks some ten times per shard."""

_CLOCK_WARNING_S, _CLOCK_ERROR_S = 1.0, 5.0
"""Leases are renewed six times per FLEET_VISIBILITY_TIMEOUT_S, by the clock of each worker."""

_MARK, _MARK_S = "written by fleet doctor", 10
"""What is written to try, and when Redis forgets it if it cannot be deleted, in seconds."""

_REFUSALS: tuple[tuple[Any, str], ...] = (
    (
        redis.exceptions.NoPermissionError,
        "give this user what deploy/valkey-acl.conf does, FLEET_KEY_PREFIX behind each ~",
    ),
    (redis.exceptions.ReadOnlyError, "this is a replica: FLEET_BROKER_URL must name the primary"),
    (
        redis.exceptions.OutOfMemoryError,
        "raise maxmemory, or let workers empty the queue before more is enqueued",
    ),
    (redis.exceptions.AskError, "this is a cluster: take a single primary with replicas"),
)


def look_at_broker(settings: Settings) -> Iterator[Finding]:
    """Five rows; one when it does not answer."""
    client: Any = connect(settings)
    ledger = Ledger(client, settings.key_prefix)
    try:
        yield _answers(settings, round_trip_s(ledger.check))
        yield try_writing(client, settings.key_prefix)
        yield _clock(client)
        yield _keeping(client)
        yield _queue(settings, ledger, FleetState(client, settings.key_prefix))
    except BrokerUnavailable as error:
        advice = "check FLEET_BROKER_URL, and that the server runs"
        yield Finding("broker", "error", str(error), advice, unreachable=True)


def round_trip_s(ask: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> float:
    """How long one question takes, in seconds, once TCP, TLS and the login are behind us.

    A worker keeps its connection: what the first question costs is paid once.
    """
    ask()
    begun = clock()
    ask()
    return clock() - begun


def _answers(settings: Settings, seconds: float) -> Finding:
    told = f"{redact(settings.broker_url)} answers in {1000 * seconds:.1f} ms"
    if seconds > _SLOW_S:
        return Finding("broker", "warning", told, "put it nearer to the workers")
    return Finding("broker", "ok", told)


def try_writing(client: Any, key_prefix: str) -> Finding:
    """Set, get and delete a key: who is full, a replica or without rights answers a ping, too.

    Args:
        client: of redis-py, with decode_responses.
        key_prefix: FLEET_KEY_PREFIX; rights may be for keys that begin with it only.
    """
    key = f"{key_prefix}fleet:doctor"
    own = f"{key}:{uuid.uuid4()}"  # two doctors may look at once
    try:
        client.set(own, _MARK, ex=_MARK_S)
        found = client.get(own)
        client.delete(own)
    except redis.RedisError as error:
        return _refused(key, error)
    if found != _MARK:
        advice = "what is written must be there at once: no proxy that asks replicas"
        return Finding("broker write", "error", f"{key} reads other than it was written", advice)
    return Finding("broker write", "ok", f"{key} can be written, read and deleted")


def _refused(key: str, error: Exception) -> Finding:
    told = f"Redis refuses to write, read or delete {key}: {error}"
    gone = isinstance(error, (redis.ConnectionError, redis.TimeoutError))
    advice = "check that the server runs" if gone else "mend what it says; its log may say more"
    advice = next((how for kind, how in _REFUSALS if isinstance(error, kind)), advice)
    return Finding("broker write", "error", told, advice, unreachable=gone)


def _clock(client: Any) -> Finding:
    before = time.time()
    try:
        seconds, microseconds = client.time()
    except redis.RedisError as error:
        return Finding("clock", "skipped", f"Redis does not tell the time: {error}")
    after = time.time()
    return judge_clock((before + after) / 2 - (int(seconds) + int(microseconds) / 1e6))


def judge_clock(ahead_s: float) -> Finding:
    """Of this machine against Redis', in seconds."""
    told = f"{abs(ahead_s):.2f} s {'ahead of' if ahead_s > 0 else 'behind'} the clock of Redis"
    advice = "leases go by the clock: keep the machines in time with NTP"
    if abs(ahead_s) > _CLOCK_ERROR_S:
        return Finding("clock", "error", told, advice)
    if abs(ahead_s) > _CLOCK_WARNING_S:
        return Finding("clock", "warning", told, advice)
    return Finding("clock", "ok", told)


def _keeping(client: Any) -> Finding:
    try:
        policy = client.info("memory").get("maxmemory_policy", "")
        aof = bool(client.info("persistence").get("aof_enabled"))
    except redis.RedisError as error:
        return Finding("keeping", "skipped", f"this user may not ask: {error}")
    return judge_keeping(str(policy), aof)


def judge_keeping(policy: str, aof: bool) -> Finding:
    """Whether Redis keeps messages when memory is short, and over a restart."""
    told = f"maxmemory-policy {policy or 'unknown'}, appendonly {'yes' if aof else 'no'}"
    if policy not in ("noeviction", ""):
        advice = "set maxmemory-policy noeviction: a queue that forgets is no queue"
        return Finding("keeping", "error", told, advice)
    if not aof:
        advice = "set appendonly yes, or rebuild jobs by `fleet reconcile` after a restart"
        return Finding("keeping", "warning", told, advice)
    return Finding("keeping", "ok", told)


def _queue(settings: Settings, ledger: Ledger, fleet: FleetState) -> Finding:
    ready, unacked = ledger.backlog(settings.queue)
    models = [model for queue, model in fleet.serving(time.time()) if queue == settings.queue]
    told = (
        f"{settings.queue}: {ready:,} messages wait, {unacked:,} are held; served by "
        f"{' and '.join(models) or 'no worker now'}"
    )
    return Finding("queue", "ok", told)
