"""Sends one HTTP request to the network address that was checked, without resolving it again."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import urllib3

from funasr_fleet.contract.audio_address import host_of, shown
from funasr_fleet.storage.base import ObjectDenied, ObjectMissing, StoreUnavailable
from funasr_fleet.worker.audio.sources.web_addresses import is_public

_CONNECT_S = 5.0
_READ_S = 60.0
"""The same timeouts as for S3; see storage.s3."""

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
    def request(self, method: str, uri: str) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send a request; return the response of any status, with its body unread.

        Proxies of the environment are not used: they would resolve the name again.

        Raises:
            StoreError: the connection failed or is not allowed. Messages never contain the query.
        """
        parts = urlsplit(uri)
        target = quote(parts.path, safe=_SAFE_CHARS)
        if parts.query:
            target += "?" + quote(parts.query, safe=_SAFE_CHARS + "?")
        with contextlib.ExitStack() as cleanup:
            with self._translated(uri):
                pool = cleanup.enter_context(self._pool(uri))
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

    @contextlib.contextmanager
    def _translated(self, uri: str) -> Iterator[None]:
        try:
            yield
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                raise ObjectMissing(f"{shown(uri)}: host not found") from None
            raise StoreUnavailable(f"{shown(uri)}: cannot resolve the host") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise translated(error, uri) from None


def translated(error: Exception, uri: str) -> StoreUnavailable | ObjectDenied:
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
