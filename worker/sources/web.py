"""Audio of the web, from hosts that are allowed, by way of urllib3."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urljoin

import urllib3

from contract.audio_address import check_audio, check_host, is_web, shown
from contract.store import (
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    StoreUnavailable,
    check_size,
)
from worker.sources.web_request import Line, failed

_CHUNK_BYTES = 1 << 20
_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_DENIED = {401, 403}
_BUSY = {408, 425, 429}
_PATIENCE_S = 60.0
_SLOWEST_BYTES_PER_S = 10_000
"""A server that is slower for longer than that keeps a place of the worker for nothing."""


@dataclass(frozen=True, kw_only=True)
class WebAudio:
    """See AudioSource. An ETag is the server's, else one made of the bytes."""

    hosts: frozenset[str]
    """The only ones asked, also by redirects."""
    line: Line = field(default_factory=Line)
    clock: Callable[[], float] = time.monotonic

    def head(self, uri: str) -> ObjectInfo:
        """See AudioSource."""
        with self._answer("HEAD", uri) as answer:
            return ObjectInfo(uri=uri, etag=_etag(answer), size_bytes=_announced(answer))

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """See AudioSource."""
        digest, begin = hashlib.sha256(), self.clock()
        with self._answer("GET", uri) as answer:
            check_size(shown(uri), _announced(answer), limit_bytes)
            for chunk in _chunks(answer, uri):
                digest.update(chunk)
                into.write(chunk)
                check_size(shown(uri), into.tell(), limit_bytes)
                if self.clock() - begin > _PATIENCE_S + into.tell() / _SLOWEST_BYTES_PER_S:
                    raise StoreUnavailable(f"{shown(uri)} comes too slowly")
            etag = _etag(answer) or f'"sha256-{digest.hexdigest()}"'
        size_bytes = into.tell()
        into.seek(0)
        return ObjectInfo(uri=uri, etag=etag, size_bytes=size_bytes)

    @contextlib.contextmanager
    def _answer(self, method: str, uri: str) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer with the audio, some redirects away; each is looked at like the first."""
        at = uri
        for _ in range(_MOST_REDIRECTS + 1):
            self._check(at, uri)
            with self.line.ask(method, at) as answer:
                if answer.status not in _REDIRECTS:
                    _check_status(answer.status, uri)
                    yield answer
                    return
                there = urljoin(at, answer.headers.get("Location", ""))
            if at.startswith("https://") and not there.startswith("https://"):
                raise ObjectDenied(f"{shown(uri)} leads from https to something else")
            at = there
        raise ObjectDenied(f"{shown(uri)} leads on more than {_MOST_REDIRECTS} times")

    def _check(self, at: str, uri: str) -> None:
        """The address itself, or where it has led."""
        try:
            if not is_web(check_audio(at)):
                raise ValueError("it is no address of the web")
            check_host(at, self.hosts)
        except ValueError as error:
            led = "" if at == uri else " leads elsewhere"
            raise ObjectDenied(f"{shown(uri)}{led}: {error}") from None


def _check_status(status: int, uri: str) -> None:
    if status in (200, 203):
        return
    if status in _GONE:
        raise ObjectMissing(f"{shown(uri)} does not exist")
    if status in _DENIED:
        raise ObjectDenied(f"access to {shown(uri)} was denied")
    if status in _BUSY or status >= 500:
        raise StoreUnavailable(f"{shown(uri)} failed: {status}")
    raise ObjectDenied(f"{shown(uri)} is refused: {status}")


def _etag(answer: urllib3.BaseHTTPResponse) -> str:
    return answer.headers.get("ETag", "").strip()[:200]


def _announced(answer: urllib3.BaseHTTPResponse) -> int:
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _chunks(answer: urllib3.BaseHTTPResponse, uri: str) -> Iterator[bytes]:
    try:
        while chunk := answer.read1(_CHUNK_BYTES):  # what has come, and waits for no more
            yield chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise failed(error, uri) from None
