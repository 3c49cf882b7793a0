"""Checks of the Redis server: its version, and whether it keeps messages and jobs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import redis.exceptions

from funasr_fleet.broker.redis_client import RedisClient
from funasr_fleet.doctor import Finding

_OLDEST = (7, 0)
"""Oldest tested release of Redis."""

_REPLAYS_WITHOUT_RIGHTS = {"valkey": (9, 1)}
"""First release of a server that loads the append-only file without checking the rights of the
default user. In earlier releases, and in all releases of servers that are not listed, EXEC checks
them (redis/redis#14541, valkey-io/valkey#3983)."""

_ON_THE_SERVER = "as a user with more rights, or run `fleet doctor` as that user"


@dataclass(frozen=True)
class Server:
    """What HELLO returns about the server."""

    name: str
    """redis or valkey; empty if unknown."""
    version: tuple[int, ...] = ()

    @property
    def shown(self) -> str:
        """Name and version as text."""
        return f"{self.name} {'.'.join(map(str, self.version))}"


def check_server(client: RedisClient) -> Iterator[Finding]:
    """Yield the findings server, keeping and restart; a denied command yields a warning.

    Raises:
        redis.ConnectionError, redis.TimeoutError: Redis cannot be reached.
    """
    server, info = Server(""), dict[str, Any]()
    try:
        server = read_server(client.execute_command("HELLO"))
        yield check_version(server)
    except redis.ResponseError as error:
        advice = "check that it is Redis 7.0 or later, or Valkey"
        yield Finding("server", "warning", f"version unknown: HELLO failed: {error}", advice)
    try:
        info = {**client.info("memory"), **client.info("persistence")}
        yield check_persistence(
            str(info.get("maxmemory_policy", "")), bool(info.get("aof_enabled"))
        )
    except redis.ResponseError as error:
        detail = f"maxmemory-policy and appendonly are unknown: INFO failed: {error}"
        advice = f"check both with CONFIG GET, {_ON_THE_SERVER}"
        yield Finding("keeping", "warning", detail, advice)
    yield _check_restart(client, server, info)


def read_server(reply: Any) -> Server:
    """The reply to HELLO, a map or a flat list -> the server."""
    pairs = reply if isinstance(reply, Mapping) else dict(zip(reply[::2], reply[1::2], strict=True))
    numbers = str(pairs.get("version", "")).split(".")
    version = tuple(int(number) for number in numbers if number.isdecimal())
    return Server(str(pairs.get("server", "")), version)


def check_version(server: Server) -> Finding:
    """Check that the release is not older than the oldest tested release."""
    if server.version < _OLDEST:
        advice = "not tested with this release: use Redis 7.0 or later, or Valkey"
        return Finding("server", "warning", server.shown, advice)
    return Finding("server", "ok", server.shown)


def check_persistence(policy: str, aof: bool) -> Finding:
    """Check whether Redis keeps messages when memory is short and after a restart."""
    detail = f"maxmemory-policy {policy or 'unknown'}, appendonly {'yes' if aof else 'no'}"
    if policy not in ("noeviction", ""):
        advice = "set maxmemory-policy noeviction: other policies may evict queued messages"
        return Finding("keeping", "error", detail, advice)
    if not aof:
        advice = "set appendonly yes, or rebuild jobs with `fleet reconcile` after a restart"
        return Finding("keeping", "warning", detail, advice)
    return Finding("keeping", "ok", detail)


def _check_restart(client: RedisClient, server: Server, info: Mapping[str, Any]) -> Finding:
    if info and not info.get("aof_enabled"):
        return Finding("restart", "skipped", "nothing to load: appendonly no")
    if (written := str(info.get("aof_last_write_status", "ok"))) != "ok":
        detail = f"the last write to the append-only file failed ({written})"
        return Finding("restart", "error", detail, "see the server's log, and free disk space")
    if server.version >= _REPLAYS_WITHOUT_RIGHTS.get(server.name, (1 << 30,)):
        return Finding("restart", "ok", _LOADABLE)
    try:
        default = client.acl_getuser("default") or {}
    except redis.ResponseError as error:
        detail = f"unknown whether the append-only file can be loaded: ACL GETUSER failed: {error}"
        advice = f"check that ACL GETUSER default shows +@all and ~*, {_ON_THE_SERVER}"
        return Finding("restart", "warning", detail, advice)
    return check_rights([part for name in _RULES for part in default.get(name, ())])


_RULES = ("categories", "commands", "keys")
_LOADABLE = "the append-only file can be loaded; only a restart shows whether it is intact"


def check_rights(rules: Sequence[str]) -> Finding:
    """Check that the default user may run every command of the append-only file.

    Args:
        rules: the user's command rules and key patterns, such as -@all and ~*.
    """
    if {"+@all", "~*"} <= set(rules) and not any(rule.startswith("-") for rule in rules):
        return Finding("restart", "ok", _LOADABLE)
    rights = " ".join(rules)
    detail = (
        f"loading the append-only file may drop transactions: the default user has only {rights}"
    )
    advice = "set: user default off +@all ~* &* (the user stays disabled); see valkey-acl.conf"
    return Finding("restart", "error", detail, advice)
