"""Hostile web servers: each response becomes a StoreError, and none a fault of the worker."""

import hashlib
import io
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from funasr_fleet.storage.base import ObjectDenied, ObjectTooLarge, StoreUnavailable
from tests.support.web import NAME, WebHost, fetch, in_parts, page, refused, web

TARGETS = {
    "bracket": "http://[",
    "bracket without a scheme": "//[",
    "closing bracket": "http://]/a",
    "open address": "http://[::1/a",
    "port too large": "http://x:99999/a",
    "port not a number": "http://x:y/a",
    "NUL in the host": "http://a\0b/c",
    "NUL in the path": "/a\0b",
    "escape sequence": "/a\x1b[2J",
    "long label": "http://" + "a" * 64 + "/b",
    "long path": "/" + "a" * 9000,
}
ETAGS = {
    "long": '"' + "e" * 10_000 + '"',
    "escape sequence": '"\x1b[2J"',
    "NUL": '"\0"',
    "C1 control character": '"\x9b2J"',
}


@pytest.mark.parametrize("kind", TARGETS)
def test_a_redirect_to_an_invalid_address_is_rejected(host: WebHost, kind: str) -> None:
    host.pages["/a"] = page(302, Location=TARGETS[kind])
    said = refused(web(), f"http://{NAME}:{host.port}/a", ObjectDenied)
    assert "redirects to" in said
    assert said.isprintable()
    assert len(said) < 300
    assert len(host.asked) == 1


def test_a_redirect_without_an_address_ends(host: WebHost) -> None:
    host.pages["/a"] = page(302)
    assert "more than 5 times" in refused(web(), f"http://{NAME}:{host.port}/a", ObjectDenied)


@pytest.mark.parametrize("digits", [19, 30, 5_000])
def test_a_huge_declared_size_is_too_large(host: WebHost, digits: int) -> None:
    host.pages["/a"] = page(200, b"sound", Content_Length="9" * digits)
    uri = f"http://{NAME}:{host.port}/a"
    assert len(refused(web(), uri, ObjectTooLarge, 1000)) < 200
    assert web().head(uri).size_bytes == 10**18


@pytest.mark.parametrize("length", ["-5", "+5", "5, 5", "0x5", "", "five"])
def test_a_declared_size_that_is_not_a_number_is_unknown(host: WebHost, length: str) -> None:
    host.pages["/a"] = page(200, b"sound", Content_Length=length)
    assert web().head(f"http://{NAME}:{host.port}/a").size_bytes == 0


@pytest.mark.parametrize("kind", ETAGS)
def test_an_etag_that_is_long_or_has_control_characters_is_ignored(
    host: WebHost, kind: str
) -> None:
    host.pages["/a"] = page(200, b"sound", ETag=ETAGS[kind])
    uri = f"http://{NAME}:{host.port}/a"
    made = f'"sha256-{hashlib.sha256(b"sound").hexdigest()}"'
    assert web().download(uri, io.BytesIO()).etag == made
    assert web().head(uri).etag == ""


def test_endless_headers_are_unavailable(host: WebHost) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for number in range(1000):
            request.send_header(f"X-{number}", "x")
        request.end_headers()

    host.pages["/a"] = endless
    refused(web(), f"http://{NAME}:{host.port}/a", StoreUnavailable)


ENDLESS = {
    "100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n",
    "status line": b"H",
    "one header": b"x",
    "headers": b"X: y\r\n",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_headers_that_never_end_are_unavailable(host: WebHost, kind: str) -> None:
    """Each read succeeds soon: the timeout of one read does not end the request."""
    stopped = threading.Event()

    def endless(request: BaseHTTPRequestHandler) -> None:
        if kind in {"one header", "headers"}:
            request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):  # 50 s
            request.wfile.write(ENDLESS[kind])
            if stopped.wait(0.05):
                return

    host.pages["/a"] = endless
    try:
        said = refused(web(grace_s=0.5), f"http://{NAME}:{host.port}/a", StoreUnavailable)
    finally:
        stopped.set()
    assert said.endswith("sends no audio within 0.5 s")


def test_a_body_extends_the_time_of_its_request(host: WebHost) -> None:
    half = b"s" * 10_000
    host.pages["/a"] = in_parts([half, half, half], 0.8, Content_Length="30000")
    assert fetch(web(grace_s=1.5), f"http://{NAME}:{host.port}/a") == half * 3


ENDLESS_BODIES = {
    "trailers": [b"4\r\nRIFF\r\n0\r\n", *([b"X: y\r\n"] * 1000)],
    "chunk size": [b"4\r\nRIFF\r\n4;", *([b"a"] * 1000)],
    "trailers of a large body": [
        b"100000\r\n%s\r\n0\r\n" % bytes(1 << 20),
        *([b"X: y\r\n"] * 1000),
    ],
    "silence": [b"4\r\nRIFF\r\n", *([b""] * 1000)],
}


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize("kind", ENDLESS_BODIES)
def test_a_body_whose_bytes_never_end_is_unavailable(
    host: WebHost, kind: str, connection: str
) -> None:
    """50 s of bytes that are no audio: urllib3 reads all of them in one call."""
    parts = iter(ENDLESS_BODIES[kind])
    host.pages["/a"] = in_parts(parts, Transfer_Encoding="chunked", Connection=connection)
    said = refused(web(grace_s=0.5), f"http://{NAME}:{host.port}/a", StoreUnavailable)
    assert "is too slow" in said
    assert next(parts, None) is not None, "the connection was not closed before the server ended"


def test_redirects_share_the_time_of_one_request(host: WebHost) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.4)
        page(302, Location=f"{request.path}a")(request)

    host.pages |= {f"/{'a' * number}": slow for number in range(1, 5)}
    host.pages["/aaaaa"] = page(200, b"sound")
    said = refused(web(grace_s=1.0), f"http://{NAME}:{host.port}/a", StoreUnavailable)
    assert said.endswith("sends no audio within 1 s")
    assert ("GET", "/aaaaa", f"{NAME}:{host.port}") not in host.asked


@pytest.mark.parametrize("sent", [b"zz\r\nabc\r\n", b"3\r\nabcdef", b"3\r\nabc\r\n", b""])
def test_invalid_chunks_are_unavailable(host: WebHost, sent: bytes) -> None:
    def chunked(request: BaseHTTPRequestHandler) -> None:
        page(200, Transfer_Encoding="chunked")(request)
        request.wfile.write(sent)
        request.close_connection = True

    host.pages["/a"] = chunked
    refused(web(), f"http://{NAME}:{host.port}/a", StoreUnavailable, 1000)
