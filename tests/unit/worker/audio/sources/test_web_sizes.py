"""No more of a file of the web is fetched than is allowed, and not for ever."""

import io
import itertools
from http.server import BaseHTTPRequestHandler

import pytest

from funasr_fleet.storage.base import ObjectTooLarge, StoreUnavailable
from funasr_fleet.worker.audio.sources.web import WebAudio
from tests.support.web import HUSH, NAME, WebHost, fetch, page, refused, web


def test_a_file_that_is_larger_than_allowed_is_not_fetched(host: WebHost) -> None:
    host.pages["/a"] = page(200, b"x" * 1000)
    uri = f"http://{NAME}:{host.port}/a"
    assert len(fetch(web(), uri, 1000)) == 1000
    assert "FLEET_MAX_BYTES allows 999" in refused(web(), uri, ObjectTooLarge, 999)


def test_a_file_without_an_end_is_given_up_at_the_limit(host: WebHost) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        page(200, Transfer_Encoding="chunked")(request)
        for _ in range(1000):
            request.wfile.write(b"%x\r\n%s\r\n" % (1 << 16, bytes(1 << 16)))

    host.pages["/a"] = endless
    into = io.BytesIO()
    with pytest.raises(ObjectTooLarge):
        web().download(f"http://{NAME}:{host.port}/a", into, 1 << 20)
    assert len(into.getvalue()) <= 3 << 20


def test_a_chunked_file_comes_whole_and_one_that_is_cut_off_is_tried_again(host: WebHost) -> None:
    def chunked(request: BaseHTTPRequestHandler) -> None:
        page(200, Transfer_Encoding="chunked")(request)
        request.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    def cut(request: BaseHTTPRequestHandler) -> None:
        page(200, b"abc", Content_Length="9")(request)
        request.close_connection = True

    host.pages.update({"/a": chunked, f"/b?{HUSH}": cut})
    assert fetch(web(), f"http://{NAME}:{host.port}/a") == b"abcde"
    refused(web(), f"http://{NAME}:{host.port}/b?{HUSH}", StoreUnavailable)


def test_a_file_that_drips_is_given_up(host: WebHost) -> None:
    host.pages["/a"] = page(200, b"x" * 50)
    client = web().client
    seconds = itertools.count(0, 100)
    source = WebAudio(hosts=frozenset({NAME}), client=client, clock=lambda: next(seconds))
    said = refused(source, f"http://{NAME}:{host.port}/a?", StoreUnavailable)
    assert "too slow" in said
