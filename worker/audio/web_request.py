"""Sends one HTTP request to a network address that was checked to be public.

The host is resolved once, so that the checked address is the one that is used.

A DNS name may point anywhere: at this machine, at hosts of its private network, or at the cloud's
metadata service, which returns credentials (169.254.169.254, fd00:ec2::254, 100.100.100.200).
"""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urlsplit

import urllib3

from funasr_fleet.contract.audio_address import host_of, shown
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, StoreUnavailable
from funasr_fleet.worker.audio.request_deadline import RequestDeadline

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
"""RFC 8215: for use within a network."""
_ALSO_PRIVATE: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("168.63.129.16/32"),  # Azure's WireServer, which serves the secrets of a machine
    IPv4Network("192.0.0.0/24"),  # RFC 6890; one cloud's metadata service is 192.0.0.192
    IPv4Network("192.88.99.0/24"),  # RFC 7526: deprecated relays of 6to4
    IPv6Network("100:0:0:1::/64"),  # RFC 9780: dummy addresses
    IPv6Network("2001::/23"),  # RFC 2928: protocols (Teredo, ORCHID, anycast), no web servers
    IPv6Network("3fff::/20"),  # RFC 9637: documentation
    IPv6Network("5f00::/16"),  # RFC 9602: segment routing within a network
    IPv6Network("fec0::/10"),  # RFC 3879: deprecated site-local addresses
    _NAT64_LOCAL,
)
"""Non-public networks that some Python versions classify as global."""


def is_public(text: str) -> bool:
    """Whether an address, as the resolver returns it, is public."""
    try:
        address = ip_address(text.partition("%")[0])  # the part after % is an interface name
    except ValueError:
        return False
    return all(map(_is_public, _reached_by(address)))


def _reached_by(address: Address) -> list[Address]:
    """The addresses that a connection may reach: some IPv6 addresses embed an IPv4 address."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    embedded: list[Address | None] = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in embedded if one is not None)]


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or any(address.version == one.version and address in one for one in _ALSO_PRIVATE)
    )


_CONNECT_S = 5.0
_READ_S = 60.0
"""The same timeouts as for S3; see storage.s3. Each read has this timeout."""

_CHUNK_BYTES = 1 << 20

_SAFE_CHARS = "/%!$&'()*+,;=:@-._~[]"
"""Characters not percent-encoded in a path or a query (RFC 3986)."""

Resolve = Callable[[str, int], list[str]]
"""(host, port) -> network addresses of the host."""


def resolve(host: str, port: int) -> list[str]:
    """Resolve a host with the system's resolver. Raises socket.gaierror."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


@dataclass(frozen=True, kw_only=True)
class HttpClient:
    """Sends HTTP requests to public addresses; tests replace resolver, address check and TLS."""

    resolve: Resolve = resolve
    is_public: Callable[[str], bool] = is_public
    tls: ssl.SSLContext | None = None
    """None for the system's certificate authorities; certificates are always verified."""

    @contextlib.contextmanager
    def request(
        self, method: str, uri: str, deadline: RequestDeadline
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send a request; return the response of any status, with its body unread.

        The deadline also applies to the body: see chunks.

        Proxies of the environment are not used: they would resolve the name again.

        Raises:
            StoreError: the connection failed or is not allowed. Messages never contain the query.
        """
        parts = urlsplit(uri)
        target = quote(parts.path, safe=_SAFE_CHARS)
        if parts.query:
            target += "?" + quote(parts.query, safe=_SAFE_CHARS + "?")
        with contextlib.ExitStack() as cleanup:
            with _translated(uri, deadline):
                pool = cleanup.enter_context(self._pool(uri))
                deadline.watch(pool)
                response = pool.urlopen(
                    method,
                    target,
                    headers={"Host": _host_header(uri), "Accept-Encoding": "identity"},
                    retries=False,
                    redirect=False,
                    assert_same_host=False,
                    preload_content=False,
                    decode_content=False,
                )
                cleanup.callback(response.close)
            yield response

    def _pool(self, uri: str) -> urllib3.HTTPConnectionPool:
        """A connection pool to one address of the host; all its addresses must be public."""
        host, timeout = host_of(uri), urllib3.Timeout(connect=_CONNECT_S, read=_READ_S)
        parts = urlsplit(uri)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        addresses = self.resolve(host, port)
        if not addresses:
            raise ObjectMissing(f"{shown(uri)}: host not found")
        if not all(map(self.is_public, addresses)):
            raise ObjectDenied(f"{shown(uri)}: the host has an address that is not public")
        if not secure:
            return urllib3.HTTPConnectionPool(addresses[0], port, timeout=timeout)
        return urllib3.HTTPSConnectionPool(
            addresses[0],
            port,
            timeout=timeout,
            server_hostname=host,
            cert_reqs="CERT_REQUIRED",
            ssl_context=self.tls,
        )


def chunks(
    response: urllib3.BaseHTTPResponse, uri: str, deadline: RequestDeadline
) -> Iterator[bytes]:
    """Yield the body in parts; they extend the deadline. Raises StoreUnavailable."""
    while True:
        with _translated(uri, deadline):
            chunk = response.read1(_CHUNK_BYTES)  # available bytes; does not wait for more
        if not chunk:
            return
        deadline.received(len(chunk))
        yield chunk


@contextlib.contextmanager
def _translated(uri: str, deadline: RequestDeadline) -> Iterator[None]:
    """Raise errors of urllib3 as StoreErrors, and one if the deadline has expired."""
    try:
        yield
        _check(deadline, uri)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise ObjectMissing(f"{shown(uri)}: host not found") from None
        raise StoreUnavailable(f"{shown(uri)}: cannot resolve the host") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        _check(deadline, uri)
        raise _translate(error, uri) from None


def _check(deadline: RequestDeadline, uri: str) -> None:
    if problem := deadline.problem:
        raise StoreUnavailable(f"{shown(uri)} {problem}") from None


def _translate(error: Exception, uri: str) -> StoreUnavailable | ObjectDenied:
    """Translate an error of urllib3; only its type is named, as its text contains the query."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ObjectDenied(f"{shown(uri)}: the certificate is not trusted")
    return StoreUnavailable(f"{shown(uri)} does not respond ({type(error).__name__})")


def _host_header(uri: str) -> str:
    port = urlsplit(uri).port
    host = host_of(uri)
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
