"""A source of audio of the web whose names lead to the loopback, and what it is asked."""

import io
import ssl

import pytest

from funasr_fleet.storage.base import StoreError
from funasr_fleet.worker.audio.web import WebAudio
from funasr_fleet.worker.audio.web_request import HttpClient

HUSH = "hush-4711"
"""Stands for a signature."""
NAME = "audio.example"


def web(*hosts: str, tls: ssl.SSLContext | None = None) -> WebAudio:
    """Names lead to the loopback, which alone counts as public."""
    client = HttpClient(
        resolve=lambda host, port: ["127.0.0.1"],
        is_public=lambda address: address == "127.0.0.1",
        tls=tls,
    )
    return WebAudio(hosts=frozenset(hosts or (NAME,)), client=client)


def fetch(web: WebAudio, uri: str, limit: int | None = None) -> bytes:
    into = io.BytesIO()
    info = web.download(uri, into, limit)
    assert info.size_bytes == len(into.getvalue())
    return into.read()


def refused(web: WebAudio, uri: str, error: type[StoreError], limit: int | None = None) -> str:
    with pytest.raises(error) as caught:
        fetch(web, uri, limit)
    said = str(caught.value)
    assert HUSH not in said
    assert caught.value.__cause__ is None
    return said
