"""A fleet's data survives a restart of Redis with the users of deploy/valkey-acl.conf.

On Valkey, and on Debian's Redis 7.0, which has fewer commands and replays its append-only file with
the rights of the default user.
"""

from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import enqueue, status
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from tests.support.deployments import needs
from tests.support.servers import VALKEY, SecureBroker, running_server


@pytest.mark.parametrize("name", ["redis", "valkey"])
def test_queue_and_ledger_are_whole_after_a_restart(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, name: str
) -> None:
    program = needs("redis-server") if name == "redis" else VALKEY
    broker = SecureBroker.with_new_passwords()
    monkeypatch.setenv("FLEET_BROKER_URL", broker.plain_url)
    settings = Settings.load()
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"audio": "s3://audio/a.wav"}\n{"audio": "s3://audio/b.wav"}\n')
    with running_server(tmp_path, broker, program):
        assert broker.admin.execute_command("HELLO")["server"] == name
        enqueue([str(rows)], output=output, job="night")
        before, counts = _contents(broker.admin), status("night", settings).counts
        assert broker.admin.info("commandstats")["cmdstat_exec"]["calls"]
    with running_server(tmp_path, broker, program):
        assert _contents(broker.admin) == before
        assert status("night", settings).counts == counts


def _contents(admin: Any) -> dict[str, Any]:
    """Every key with its value, except those that expire."""
    read = {
        "string": admin.get,
        "hash": admin.hgetall,
        "list": lambda key: admin.lrange(key, 0, -1),
        "set": admin.smembers,
        "zset": lambda key: admin.zrange(key, 0, -1, withscores=True),
    }
    kept = [key for key in admin.keys("*") if admin.ttl(key) == -1]
    return {key: read[admin.type(key)](key) for key in kept}
