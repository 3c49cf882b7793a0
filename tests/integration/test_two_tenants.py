"""Two tenants on one Redis: key prefixes, each with a user of deploy/valkey-acl.conf."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import funasr_fleet
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from tests.support.messages import a_shard, envelope, push, shard_body, task_headers
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


@pytest.mark.slow
def test_jobs_complete_as_a_tenant_and_use_only_its_keys(
    stack: Stack,
    broker: SecureBroker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
) -> None:
    """A job of `fleet enqueue` that is retried, reconciled and cancelled, and another client's."""
    own = {
        "FLEET_BROKER_URL": broker.plain_url.replace("fleet:", "a:"),
        "FLEET_KEY_PREFIX": "a:",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    broker.admin.flushall()
    broker.admin.acl_log_reset()
    settings = Settings.load()
    with LocalWorker({**stack.environment, **own}, tmp_path) as worker:
        job = funasr_fleet.enqueue(
            [str(SAMPLES)], upload="s3://audio/tenant/", output=output, job="night"
        ).job
        push(settings, envelope(shard_body(a_shard(output, 0, job_files=1)), task_headers()))
        push(settings, envelope(b"[[", task_headers()))
        both = (job, "by-hand")
        worker.process.wait_until(
            lambda: all(funasr_fleet.status(one).counts.complete for one in both), 180
        )
        assert funasr_fleet.status(job).counts.outcomes["ok"] == 10
        funasr_fleet.retry(job)
        worker.process.wait_until(lambda: funasr_fleet.status(job).counts.complete, 60)
    funasr_fleet.reconcile(job)
    funasr_fleet.cancel("by-hand")
    assert {one.job for one in funasr_fleet.list_jobs()} == {job, "by-hand"}
    assert funasr_fleet.drop_dead(everything=True).dropped == 1
    assert broker.admin.keys("*")
    assert {key for key in broker.admin.keys("*") if not key.startswith("a:")} == set()
    assert not broker.denied
