"""The embedded stack: Valkey and an S3 server, and the environment variables to use them."""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from funasr_fleet.embedded.process import GuardedProcess, StartFailed, free_port
from funasr_fleet.embedded.s3_server import start_s3
from funasr_fleet.embedded.valkey import start_valkey

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
    """
    password, access_key, secret_key = (secrets.token_hex(16) for _ in range(3))
    for bucket in buckets:
        (directory / "s3" / bucket).mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as cleanup:
        report("starting Valkey")
        valkey, valkey_port = _start(
            lambda port: start_valkey(directory / "valkey", port, password)
        )
        cleanup.push(valkey)
        report("starting the S3 server")
        s3, s3_port = _start(lambda port: start_s3(directory / "s3", port, access_key, secret_key))
        cleanup.push(s3)
        environment = {
            "FLEET_BROKER_URL": f"redis://:{password}@127.0.0.1:{valkey_port}/0",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{s3_port}",
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        yield Stack(directory=directory, environment=environment, valkey=valkey, s3=s3)


def _start(start: Callable[[int], GuardedProcess]) -> tuple[GuardedProcess, int]:
    for _ in range(_TRIES - 1):
        with contextlib.suppress(StartFailed):
            return start(port := free_port()), port
    return start(port := free_port()), port
