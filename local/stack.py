"""The embedded stack: Valkey and S3 side by side, and the environment that finds them."""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.process import GuardedProcess, StartFailed, free_port
from local.s3_server import start_s3
from local.valkey import start_valkey

_TRIES = 3
"""A free port may be taken between finding it and using it."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running broker and object store."""

    directory: Path
    """Where everything lies; objects under s3/<bucket>/."""
    environment: dict[str, str]
    """The variables by which any fleet command finds this stack."""
    valkey: GuardedProcess
    s3: GuardedProcess


@contextlib.contextmanager
def running_stack(directory: Path, buckets: Sequence[str] = ()) -> Iterator[Stack]:
    """Start both servers on free ports, and stop them at the end, however it comes.

    Args:
        directory: where their data lies.
        buckets: made before the start; to the S3 server a bucket is a folder.

    Raises:
        StartFailed: when a server does not come up.
    """
    password, access_key, secret_key = (secrets.token_hex(16) for _ in range(3))
    for bucket in buckets:
        (directory / "s3" / bucket).mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as cleanup:
        valkey, valkey_port = _start(
            lambda port: start_valkey(directory / "valkey", port, password)
        )
        cleanup.push(valkey)
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
