"""Fetches audio over HTTP from allowed hosts, with urllib3."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urljoin

import urllib3

from funasr_fleet.contract.audio_address import check_audio, check_host, is_web, shown
from funasr_fleet.storage.base import (
    ObjectDenied,
    ObjectInfo,
    ObjectMissing,
    StoreUnavailable,
    check_size,
)
from funasr_fleet.worker.audio.request_deadline import RequestDeadline
from funasr_fleet.worker.audio.web_request import HttpClient, chunks
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.process.heartbeat import Touch

_MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_DENIED = {401, 403}
_BUSY = {408, 425, 429}
_MAX_ETAG = 200
_MAX_DIGITS = 18
_MOST_BYTES = 10**_MAX_DIGITS
"""Stands for any larger Content-Length: int() rejects numbers of more than 4,300 digits."""
_GRACE_S = 60.0
"""See RequestDeadline; it is less than FLEET_STALL_S, as a request touches the heartbeat once."""


@dataclass(frozen=True, kw_only=True)
class WebAudio:
    """An AudioSource for http and https. If a server sends no ETag, download() hashes the bytes."""

    hosts: frozenset[str]
    """Allowed hosts, also for redirects."""
    client: HttpClient = field(default_factory=HttpClient)
    touch: Touch = ignore
    """Called before each request, with the time that it may take."""
    grace_s: float = _GRACE_S

    def head(self, uri: str) -> ObjectInfo:
        """Metadata of the audio, as the server declares it; a size of 0 means unknown."""
        with self._response("HEAD", uri) as (response, _):
            return ObjectInfo(uri=uri, etag=_etag(response), size_bytes=_declared_bytes(response))

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write the bytes into a file; raises StoreError."""
        digest = hashlib.sha256()
        with self._response("GET", uri) as (response, deadline):
            check_size(shown(uri), _declared_bytes(response), limit_bytes)
            for chunk in chunks(response, uri, deadline):
                digest.update(chunk)
                into.write(chunk)
                check_size(shown(uri), into.tell(), limit_bytes)
            etag = _etag(response) or f'"sha256-{digest.hexdigest()}"'
        size_bytes = into.tell()
        into.seek(0)
        return ObjectInfo(uri=uri, etag=etag, size_bytes=size_bytes)

    @contextlib.contextmanager
    def _response(
        self, method: str, uri: str
    ) -> Iterator[tuple[urllib3.BaseHTTPResponse, RequestDeadline]]:
        """Follow redirects to the response with the audio; check each address like the first."""
        current = uri
        self.touch(f"{method} of {shown(uri)}", self.grace_s)
        with RequestDeadline(self.grace_s) as deadline:
            for _ in range(_MAX_REDIRECTS + 1):
                self._check(current, uri)
                with self.client.request(method, current, deadline) as response:
                    if response.status not in _REDIRECTS:
                        _check_status(response.status, uri)
                        yield response, deadline
                        return
                    target = _target(current, response, uri)
                if current.startswith("https://") and not target.startswith("https://"):
                    raise ObjectDenied(f"{shown(uri)} redirects from https to another scheme")
                current = target
        raise ObjectDenied(f"{shown(uri)} redirects more than {_MAX_REDIRECTS} times")

    def _check(self, current: str, uri: str) -> None:
        """Reject an address, or the target of its redirect, whose scheme or host is not allowed."""
        try:
            if not is_web(check_audio(current)):
                raise ValueError("not an http or https address")
            check_host(current, self.hosts)
        except ValueError as error:
            redirect = "" if current == uri else " redirects to a disallowed address"
            raise ObjectDenied(f"{shown(uri)}{redirect}: {error}") from None


def _check_status(status: int, uri: str) -> None:
    if status in (200, 203):
        return
    if status in _GONE:
        raise ObjectMissing(f"{shown(uri)} does not exist")
    if status in _DENIED:
        raise ObjectDenied(f"access to {shown(uri)} was denied")
    if status in _BUSY or status >= 500:
        raise StoreUnavailable(f"request for {shown(uri)} failed with status {status}")
    raise ObjectDenied(f"request for {shown(uri)} was rejected with status {status}")


def _target(current: str, response: urllib3.BaseHTTPResponse, uri: str) -> str:
    """The address that a redirect names, relative to the current one."""
    try:
        return urljoin(current, response.headers.get("Location", ""))
    except ValueError:  # such as http://[
        raise ObjectDenied(f"{shown(uri)} redirects to an invalid address") from None


def _etag(response: urllib3.BaseHTTPResponse) -> str:
    """The ETag; empty if it is too long or has control characters: results and logs contain it."""
    etag = response.headers.get("ETag", "").strip()
    return etag if len(etag) <= _MAX_ETAG and etag.isprintable() else ""


def _declared_bytes(response: urllib3.BaseHTTPResponse) -> int:
    """The declared size; 0 if it is not a number."""
    length = response.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        return 0
    digits = length.lstrip("0")
    return int(digits or 0) if len(digits) <= _MAX_DIGITS else _MOST_BYTES
