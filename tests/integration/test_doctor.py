"""The doctor reports servers that respond but cannot be used by a fleet."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.connection import parse_url

from bench.faults.wire import TcpProxy
from funasr_fleet.doctor import Finding
from funasr_fleet.doctor.broker import check_broker
from funasr_fleet.doctor.storage import check_storage
from funasr_fleet.embedded.process import free_port
from funasr_fleet.embedded.stack import Stack, start_valkey
from funasr_fleet.settings import Settings
from tests.support.servers import make_certificate, running_broker

PASSWORD = "for-this-test"


def rows(settings: Settings) -> dict[str, Finding]:
    return {found.row: found for found in check_broker(settings)}


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Settings]:
    """A Valkey whose configuration a test may break."""
    port = free_port()
    with start_valkey(tmp_path, port, PASSWORD):
        yield Settings.load(broker_url=f"redis://:{PASSWORD}@127.0.0.1:{port}/0")


@pytest.fixture
def admin(own_broker: Settings) -> Any:
    return redis.Redis.from_url(own_broker.broker_url, decode_responses=True)


def test_the_write_check_passes_on_a_working_broker_and_leaves_no_keys(
    own_broker: Settings, admin: Any
) -> None:
    found = rows(own_broker)
    assert found["broker write"].verdict == "ok"
    assert admin.keys("*") == []


def test_a_broker_that_keeps_its_data_is_ok(own_broker: Settings) -> None:
    found = rows(own_broker)
    assert [found[row].verdict for row in ("server", "clock", "keeping", "restart")] == ["ok"] * 4
    assert found["server"].told.startswith("valkey ")


def test_what_a_user_may_not_read_is_a_warning(own_broker: Settings, admin: Any) -> None:
    admin.execute_command("ACL", "SETUSER", "default", "-info", "-time")
    found = rows(own_broker)
    unknown = ("clock", "keeping")
    assert [found[row].verdict for row in unknown] == ["warning"] * len(unknown)
    assert all(found[row].advice for row in unknown)


@pytest.mark.parametrize(
    ("command", "message", "advice"),
    [
        (["REPLICAOF", "127.0.0.1", "1"], "read only replica", "name the primary"),
        (["CONFIG", "SET", "maxmemory", "1"], "maxmemory", "raise maxmemory"),
        (["ACL", "SETUSER", "default", "-del"], "'del'", "valkey-acl.conf"),
        (["ACL", "SETUSER", "default", "resetkeys", "~other*"], "(?i)key", "valkey-acl.conf"),
    ],
)
def test_a_broker_that_rejects_writes_is_an_error_with_advice(
    own_broker: Settings, admin: Any, command: list[str], message: str, advice: str
) -> None:
    admin.execute_command(*command)
    found = rows(own_broker)
    refused = found["broker write"]
    assert (refused.verdict, refused.unreachable) == ("error", False)
    assert re.search(message, refused.told)
    assert advice in refused.advice


def test_the_permissions_of_the_acl_file_are_sufficient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path / "tls", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    with running_broker(tmp_path / "valkey", certificate) as broker:
        found = rows(Settings.load(broker_url=broker.url))
        assert found["broker write"].verdict == "ok"
        assert broker.denied == {"info"}  # reported as unknown


class _SlowLogin(TcpProxy):
    """A proxy that delays only the start of a connection."""

    def _join(self, near: socket.socket, listener: socket.socket) -> None:
        time.sleep(0.2)
        super()._join(near, listener)


def test_a_slow_login_does_not_count_as_latency(own_broker: Settings) -> None:
    near = parse_url(own_broker.broker_url)["port"]
    with _SlowLogin(("127.0.0.1", near)) as line:
        far = own_broker.broker_url.replace(f":{near}/", f":{line.port}/")
        answers = rows(Settings.load(broker_url=far))["broker"]
    assert answers.verdict == "ok", answers.told


def test_an_endpoint_without_a_scheme_is_reported_as_an_error(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "localhost:9000")
    (found,) = check_storage("s3://audio/", "s3://transcripts/")
    assert (found.row, found.verdict) == ("S3", "error")
    assert "http://host:port" in found.told
