"""The findings of `fleet doctor` about the version, persistence and restart of Redis."""

from typing import Any

import pytest
import redis
import redis.exceptions

from funasr_fleet.doctor import Verdict
from funasr_fleet.doctor.redis_server import (
    check_persistence,
    check_rights,
    check_server,
    check_version,
    read_server,
)


@pytest.mark.parametrize(
    ("policy", "aof", "verdict"),
    [
        ("noeviction", True, "ok"),
        ("noeviction", False, "warning"),
        ("allkeys-lru", True, "error"),
        ("volatile-ttl", True, "error"),
        ("", True, "ok"),
    ],
)
def test_eviction_is_an_error_and_missing_persistence_a_warning(
    policy: str, aof: bool, verdict: Verdict
) -> None:
    assert check_persistence(policy, aof).verdict == verdict


@pytest.mark.parametrize(
    ("reply", "verdict", "told"),
    [
        ({"server": "redis", "version": "7.0.15"}, "ok", "redis 7.0.15"),
        (["server", "valkey", "version", "9.1.2"], "ok", "valkey 9.1.2"),
        ({"server": "redis", "version": "6.2.14"}, "warning", "redis 6.2.14"),
        ({"server": "proxy"}, "warning", "proxy"),
    ],
)
def test_a_release_older_than_the_tested_ones_is_a_warning(
    reply: Any, verdict: Verdict, told: str
) -> None:
    found = check_version(read_server(reply))
    assert (found.verdict, found.told.strip()) == (verdict, told)


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        (["+@all", "~*"], "ok"),
        (["-@all"], "error"),
        ([], "error"),
        (["+@all", "-@write", "~*"], "error"),
        (["+@all", "~other*"], "error"),
    ],
)
def test_a_default_user_that_may_not_replay_every_command_is_an_error(
    rules: list[str], verdict: Verdict
) -> None:
    assert check_rights(rules).verdict == verdict


class _Server:
    """A Redis client that answers or denies the commands of check_server."""

    def __init__(self, info: Any, default: Any, name: str = "redis", version: str = "7.0.15"):
        self._hello = {"server": name, "version": version}
        self._info, self._default = info, default

    def _given(self, answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    def execute_command(self, command: str) -> Any:
        assert command == "HELLO"
        return self._given(self._hello)

    def info(self, section: str) -> Any:
        return self._given(self._info)

    def acl_getuser(self, username: str) -> Any:
        assert username == "default"
        return self._given(self._default)


DENIED = redis.exceptions.NoPermissionError("no permissions to run the command")
AOF = {"maxmemory_policy": "noeviction", "aof_enabled": 1, "aof_last_write_status": "ok"}
ALL = {"categories": ["+@all"], "commands": [], "keys": ["~*"]}
NONE = {"categories": ["-@all"], "commands": [], "keys": []}


@pytest.mark.parametrize(
    ("client", "keeping", "restart"),
    [
        (_Server(AOF, ALL), "ok", "ok"),
        (_Server(AOF, NONE), "ok", "error"),
        (_Server(AOF, NONE, "valkey", "8.1.0"), "ok", "error"),
        (_Server(AOF, NONE, "valkey", "9.1.2"), "ok", "ok"),
        (_Server({**AOF, "aof_last_write_status": "err"}, ALL), "ok", "error"),
        (_Server({**AOF, "aof_enabled": 0}, NONE), "warning", "skipped"),
        (_Server(DENIED, ALL), "warning", "ok"),
        (_Server(DENIED, DENIED), "warning", "warning"),
        (_Server(AOF, redis.ResponseError("unknown command 'ACL'")), "ok", "warning"),
    ],
)
def test_what_cannot_be_read_about_persistence_is_a_warning(
    client: Any, keeping: Verdict, restart: Verdict
) -> None:
    found = list(check_server(client))
    assert [one.row for one in found] == ["server", "keeping", "restart"]
    assert [one.verdict for one in found[1:]] == [keeping, restart]
    assert all(one.advice for one in found if one.verdict in {"warning", "error"})
