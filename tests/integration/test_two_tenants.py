"""Two tenants on one Redis: key prefixes, each with a user of deploy/valkey-acl.conf."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.servers import ACL, VALKEY, SecureBroker, running_server

RULE = next(line for line in ACL.read_text().splitlines() if line.startswith("user fleet "))
KEYS = (
    *("fleet", "fleet:dead", "fleet:job:night", "fleet:models", "fleet.2\x06\x166"),
    *("unacked", "unacked_index", "unacked_mutex", "_kombu.binding.fleet"),
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """A server with the users a and b; their passwords are that of the user fleet."""
    running = SecureBroker.with_new_passwords()
    directory: Path = tmp_path_factory.mktemp("tenants")
    with running_server(directory, running, VALKEY):
        for tenant in ("a", "b"):
            words = RULE.replace("~", f"~{tenant}:").replace("CHANGE-ME", running.password)
            running.admin.execute_command("ACL", "SETUSER", tenant, *words.split()[2:])
        yield running


def client(broker: SecureBroker, tenant: str) -> Any:
    return redis.Redis(port=broker.port, username=tenant, password=broker.password)


@pytest.mark.parametrize("key", KEYS)
def test_a_tenant_uses_its_own_keys_and_no_others(broker: SecureBroker, key: str) -> None:
    own, other = client(broker, "a"), client(broker, "b")
    own.set(f"a:{key}", "x")
    assert own.get(f"a:{key}") == b"x"
    for act in (
        lambda: other.get(f"a:{key}"),
        lambda: other.set(f"a:{key}", "y"),
        lambda: other.delete(f"a:{key}"),
        lambda: other.lpush(f"a:{key}", "y"),
        lambda: other.brpop([f"a:{key}", f"b:{key}"], 1),
        lambda: other.eval("return redis.call('get', KEYS[1])", 1, f"a:{key}"),
        lambda: other.eval(f"return redis.call('get', 'a:{key}')", 0),
        lambda: other.get(key),
    ):
        with pytest.raises(redis.ResponseError, match=r"(?i)no permission"):
            act()  # type: ignore[no-untyped-call]
    assert own.get(f"a:{key}") == b"x"


@pytest.mark.parametrize(
    "command",
    [
        *("FLUSHALL", "FLUSHDB", "CONFIG GET *", "KEYS *", "SCAN 0", "ACL LIST"),
        *(
            "SHUTDOWN",
            "SWAPDB 0 1",
            "RENAME b:x b:y",
            "MIGRATE h 1 b:x 0 9",
            "FUNCTION LIST",
            "SCRIPT FLUSH",
        ),
        *("REPLICAOF NO ONE", "CLIENT KILL ID 1", "MONITOR", "SUBSCRIBE a", "DUMP b:x", "SAVE"),
    ],
)
def test_a_tenant_has_no_command_that_affects_the_server(
    broker: SecureBroker, command: str
) -> None:
    with pytest.raises(redis.ResponseError, match=r"(?i)no permission"):
        client(broker, "b").execute_command(*command.split())
