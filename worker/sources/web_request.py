"""One HTTP request to the very network address that was looked at."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import urllib3

from contract.audio_address import host_of, shown
from contract.store import ObjectDenied, ObjectMissing, StoreUnavailable
from worker.sources.web_addresses import is_public

_CONNECT_S = 5.0
_READ_S = 60.0
"""As for S3, see contract.s3."""

_KEPT_IN_PATHS = "/%!$&'()*+,;=:@-._~[]"
"""What stands in a path or a query as it is (RFC 3986); all else is encoded."""

Resolve = Callable[[str, int], list[str]]
"""Network addresses of a host."""


def resolve(host: str, port: int) -> list[str]:
    """By the system's resolver. Raises socket.gaierror."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, kw_only=True)
class Line:
    """The way to the web; tests take a resolver, a judgement and an authority of their own."""

    resolve: Resolve = resolve
    is_public: Callable[[str], bool] = is_public
    tls: ssl.SSLContext | None = None
    """By default the system's authorities, and every certificate is checked."""

    @contextlib.contextmanager
    def ask(self, method: str, uri: str) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer, whatever its status; its body is read by the caller.

        Proxies of the environment are not used: they would look the name up anew.

        Raises:
            StoreError: no connection, or none that is allowed. No text of it holds a query.
        """
        parts = urlsplit(uri)
        target = quote(parts.path, safe=_KEPT_IN_PATHS)
        if parts.query:
            target += "?" + quote(parts.query, safe=_KEPT_IN_PATHS + "?")
        with contextlib.ExitStack() as cleanup:
            with self._translated(uri):
                pool = cleanup.enter_context(self._pool(uri))
                answer = pool.urlopen(
                    method,
                    target,
                    headers={"Host": _host_header(uri), "Accept-Encoding": "identity"},
                    retries=False,
                    redirect=False,
                    assert_same_host=False,
                    preload_content=False,
                    decode_content=False,
                )
                cleanup.callback(answer.close)
            yield answer

    def _pool(self, uri: str) -> urllib3.HTTPConnectionPool:
        """Connections to one address of the host, every one of which was looked at."""
        host, timeout = host_of(uri), urllib3.Timeout(connect=_CONNECT_S, read=_READ_S)
        parts = urlsplit(uri)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        addresses = self.resolve(host, port)
        if not addresses:
            raise ObjectMissing(f"{shown(uri)}: its host is not known")
        if not all(map(self.is_public, addresses)):
            raise ObjectDenied(f"{shown(uri)}: its host has an address that is not public")
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
                raise ObjectMissing(f"{shown(uri)}: its host is not known") from None
            raise StoreUnavailable(f"{shown(uri)}: its host cannot be looked up") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise failed(error, uri) from None


def failed(error: Exception, uri: str) -> StoreUnavailable | ObjectDenied:
    """What urllib3 said, by its kind alone: its words hold the query."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ObjectDenied(f"{shown(uri)}: its certificate is not trusted")
    return StoreUnavailable(f"{shown(uri)} does not answer ({type(error).__name__})")


def _host_header(uri: str) -> str:
    port = urlsplit(uri).port
    host = host_of(uri)
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
