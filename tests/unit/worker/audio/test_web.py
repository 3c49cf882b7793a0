"""Audio over HTTP: allowed hosts, public addresses, redirects, sizes; secrets stay secret."""

import hashlib
import io
import itertools
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from funasr_fleet.storage.base import (
    ObjectDenied,
    ObjectMissing,
    ObjectTooLarge,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.worker.audio.request_deadline import permitted_body_s
from funasr_fleet.worker.audio.web import WebAudio
from funasr_fleet.worker.audio.web_request import HttpClient
from tests.support.servers import Certificate, make_certificate
from tests.support.web import NAME, SECRET, WebHost, fetch, in_parts, page, refused, serving, web


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), NAME)


@pytest.fixture
def secure(certificate: Certificate) -> Iterator[WebHost]:
    with serving(certificate.server_context()) as running:
        yield running


def test_a_file_is_fetched_with_its_host_and_its_query(host: WebHost) -> None:
    host.pages[f"/a%20b/%E4%BD%A0.wav?sign={SECRET}"] = page(200, b"sound", ETag='"e"')
    uri = f"http://{NAME}:{host.port}/a%20b/\u4f60.wav?sign={SECRET}"
    info = web().download(uri, into := io.BytesIO())
    assert (into.read(), info.etag, info.size_bytes) == (b"sound", '"e"', 5)
    assert host.asked == [("GET", f"/a%20b/%E4%BD%A0.wav?sign={SECRET}", f"{NAME}:{host.port}")]


def test_a_head_request_has_etag_and_size(host: WebHost) -> None:
    host.pages["/a"] = page(200, b"sound", ETag='W/"e"')
    info = web().head(f"http://{NAME}:{host.port}/a")
    assert (info.etag, info.size_bytes) == ('W/"e"', 5)


def test_without_an_etag_one_is_made_of_the_bytes(host: WebHost) -> None:
    host.pages["/a"] = page(200, b"sound")
    uri = f"http://{NAME}:{host.port}/a"
    made = f'"sha256-{hashlib.sha256(b"sound").hexdigest()}"'
    assert web().download(uri, io.BytesIO()).etag == made
    assert web().head(uri).etag == ""


def test_tls_certificates_are_checked_against_the_host_name(
    secure: WebHost, certificate: Certificate
) -> None:
    secure.pages["/a"] = page(200, b"sound")
    uri = f"https://{NAME}:{secure.port}/a"
    assert fetch(web(tls=certificate.client_context()), uri) == b"sound"
    other = f"https://other.example:{secure.port}/a"
    source = web("other.example", tls=certificate.client_context())
    assert "certificate is not trusted" in refused(source, other, ObjectDenied)
    assert "certificate is not trusted" in refused(web(), uri + f"?{SECRET}", ObjectDenied)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ObjectMissing),
        (410, ObjectMissing),
        (401, ObjectDenied),
        (403, ObjectDenied),
        (400, ObjectDenied),
        (206, ObjectDenied),
        (408, StoreUnavailable),
        (429, StoreUnavailable),
        (500, StoreUnavailable),
        (503, StoreUnavailable),
    ],
)
def test_a_status_becomes_an_error_of_storage(
    host: WebHost, status: int, error: type[StoreError]
) -> None:
    host.pages[f"/a?{SECRET}"] = page(status, SECRET.encode())
    assert f"{NAME}:{host.port}/a" in refused(web(), f"http://{NAME}:{host.port}/a?{SECRET}", error)


def test_a_host_that_is_not_allowed_is_not_contacted(host: WebHost) -> None:
    for name in ("other.example", f"{NAME}.other.example", "127.0.0.1", "localhost"):
        said = refused(web(), f"http://{name}:{host.port}/a?{SECRET}", ObjectDenied)
        assert "its host is not in FLEET_ALLOWED_HTTP_HOSTS" in said
    assert not host.asked


@pytest.mark.parametrize(
    "uri", ["ftp://{}/a", "http://u:p@{}/a", "http://{}", "http://{}/a b", "http://{}\\@x/a", "{}"]
)
def test_an_invalid_address_is_not_contacted(host: WebHost, uri: str) -> None:
    refused(web(), uri.format(f"{NAME}:{host.port}"), ObjectDenied)
    assert not host.asked


def test_at_most_five_redirects_are_followed(host: WebHost) -> None:
    for number in range(6):
        host.pages[f"/{number}"] = page(302, Location=f"/{number + 1}")
    host.pages["/6"] = page(200, b"sound")
    assert fetch(web(), f"http://{NAME}:{host.port}/1") == b"sound"
    assert "more than 5 times" in refused(web(), f"http://{NAME}:{host.port}/0", ObjectDenied)


@pytest.mark.parametrize("name", ["other.example", "169.254.169.254", "localhost", "[::1]"])
def test_a_redirect_to_a_host_that_is_not_allowed_is_rejected(host: WebHost, name: str) -> None:
    host.pages["/a"] = page(302, Location=f"http://{name}:{host.port}/b?{SECRET}")
    host.pages[f"/b?{SECRET}"] = page(200, b"private")
    said = refused(web(), f"http://{NAME}:{host.port}/a", ObjectDenied)
    assert "redirects to a disallowed address: its host is not in FLEET_ALLOWED_HTTP_HOSTS" in said
    assert len(host.asked) == 1


@pytest.mark.parametrize("there", ["file:///etc/passwd", "s3://in/a", "gopher://x/", "\\\\x\\y"])
def test_a_redirect_to_another_scheme_is_rejected(host: WebHost, there: str) -> None:
    host.pages["/a"] = page(301, Location=there)
    refused(web(), f"http://{NAME}:{host.port}/a", ObjectDenied)


def test_a_redirect_from_https_to_http_is_rejected(
    host: WebHost, secure: WebHost, certificate: Certificate
) -> None:
    host.pages["/b"] = page(200, b"sound")
    secure.pages["/a"] = page(307, Location=f"http://{NAME}:{host.port}/b")
    source = web(tls=certificate.client_context())
    said = refused(source, f"https://{NAME}:{secure.port}/a", ObjectDenied)
    assert "from https to another scheme" in said
    assert not host.asked


def test_every_address_of_a_host_must_be_public_at_every_step(host: WebHost) -> None:
    host.pages["/a"] = page(302, Location="/b")
    host.pages["/b"] = page(200, b"private")
    answers = iter([["127.0.0.1"], ["127.0.0.1", "10.0.0.1"]])
    client = HttpClient(resolve=lambda *_: next(answers), is_public=lambda one: one == "127.0.0.1")
    source = WebAudio(hosts=frozenset({NAME}), client=client)
    assert "not public" in refused(source, f"http://{NAME}:{host.port}/a", ObjectDenied)
    assert [path for _, path, _ in host.asked] == ["/a"]


def test_the_connection_uses_the_address_that_was_checked(host: WebHost) -> None:
    """The name is resolved only once, because a second answer could differ (DNS rebinding)."""
    host.pages["/a"] = page(200, b"sound")
    asked = itertools.count()

    def rebinding(name: str, port: int) -> list[str]:
        return ["127.0.0.1"] if next(asked) == 0 else ["127.0.0.2"]

    source = WebAudio(
        hosts=frozenset({NAME}), client=HttpClient(resolve=rebinding, is_public=lambda _: True)
    )
    assert fetch(source, f"http://{NAME}:{host.port}/a") == b"sound"
    assert next(asked) == 1


def test_by_default_loopback_addresses_are_rejected(host: WebHost) -> None:
    host.pages["/a"] = page(200, b"private")
    source = WebAudio(hosts=frozenset({"localhost", "127.0.0.1", "::1"}))
    for name in ("localhost", "127.0.0.1", "[::1]"):
        said = refused(source, f"http://{name}:{host.port}/a?{SECRET}", ObjectDenied)
        assert "not public" in said
    assert not host.asked


def test_an_unknown_host_is_missing_audio() -> None:
    source = WebAudio(hosts=frozenset({"no-such-host.invalid"}))
    refused(source, f"http://no-such-host.invalid/a?{SECRET}", (ObjectMissing, StoreUnavailable))  # type: ignore[arg-type]


def test_a_server_that_does_not_respond_is_unavailable(host: WebHost, tmp_path: Path) -> None:
    with serving() as gone:
        port = gone.port
    said = refused(web(), f"http://{NAME}:{port}/a?{SECRET}", StoreUnavailable)
    assert "does not respond" in said


def test_a_file_that_is_larger_than_allowed_is_not_fetched(host: WebHost) -> None:
    host.pages["/a"] = page(200, b"x" * 1000)
    uri = f"http://{NAME}:{host.port}/a"
    assert len(fetch(web(), uri, 1000)) == 1000
    assert "FLEET_MAX_BYTES allows 999" in refused(web(), uri, ObjectTooLarge, 999)


def test_an_endless_file_is_rejected_at_the_limit(host: WebHost) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        page(200, Transfer_Encoding="chunked")(request)
        for _ in range(1000):
            request.wfile.write(b"%x\r\n%s\r\n" % (1 << 16, bytes(1 << 16)))

    host.pages["/a"] = endless
    into = io.BytesIO()
    with pytest.raises(ObjectTooLarge):
        web().download(f"http://{NAME}:{host.port}/a", into, 1 << 20)
    assert len(into.getvalue()) <= 3 << 20


def test_a_chunked_file_is_read_and_a_truncated_one_is_unavailable(host: WebHost) -> None:
    def chunked(request: BaseHTTPRequestHandler) -> None:
        page(200, Transfer_Encoding="chunked")(request)
        request.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    def cut(request: BaseHTTPRequestHandler) -> None:
        page(200, b"abc", Content_Length="9")(request)
        request.close_connection = True

    host.pages.update({"/a": chunked, f"/b?{SECRET}": cut})
    assert fetch(web(), f"http://{NAME}:{host.port}/a") == b"abcde"
    refused(web(), f"http://{NAME}:{host.port}/b?{SECRET}", StoreUnavailable)


def test_a_download_that_is_too_slow_is_aborted(host: WebHost) -> None:
    host.pages["/a"] = in_parts([b"x"] * 1000)
    said = refused(web(grace_s=0.5), f"http://{NAME}:{host.port}/a?", StoreUnavailable)
    assert "too slow" in said


@pytest.mark.parametrize(("count", "seconds"), [(0, 0), (1_000_000, 100), (10**9, 10_300)])
def test_small_files_may_be_sent_slowly(count: int, seconds: float) -> None:
    assert permitted_body_s(count) == seconds


def test_each_request_touches_the_heartbeat_with_its_time_and_without_its_query(
    host: WebHost,
) -> None:
    host.pages[f"/a?{SECRET}"] = page(302, Location=f"/b?{SECRET}")
    host.pages[f"/b?{SECRET}"] = page(200, b"sound")
    steps: list[tuple[str, float]] = []

    def touch(doing: str, time_allowance_s: float = 0.0) -> None:
        steps.append((doing, time_allowance_s))

    source = replace(web(), touch=touch)
    uri = f"http://{NAME}:{host.port}/a"
    source.head(f"{uri}?{SECRET}")
    fetch(source, f"{uri}?{SECRET}")
    assert steps == [(f"HEAD of {uri}", 60), (f"GET of {uri}", 60)]
