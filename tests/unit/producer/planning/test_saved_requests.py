"""Requests that an earlier release saved, when it accepted any text as a language."""

import hashlib
import json

import pytest

from funasr_fleet.contract.job import Options
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import JobRefused
from funasr_fleet.producer.planning.request import (
    JobRequest,
    has_request,
    is_same_request,
    read_request,
    write_request,
)
from tests.support.memory_store import MemoryStore


def a_request(options: Options | None = None) -> JobRequest:
    return JobRequest(
        sources=("s3://in/",), output="s3://out/", options=options or Options(language="zh")
    )


def an_earlier_request(store: MemoryStore, language: str) -> str:
    """Save the request of a release that accepted any language; returns its digest."""
    write_request(store, "night", a_request(options=Options(language="zh")), "2026-11-22T12:00:00Z")
    uri = job_uri("s3://out/", "night", "job.json")
    document = json.loads(store.read(uri))
    document["options"]["language"] = language
    store.write(uri, json.dumps(document).encode(), "application/json")
    del document["begun"]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize("language", ["ZH", "zh_CN", "cmn"])
def test_a_job_that_was_started_with_another_spelling_of_its_language_is_resumed(
    language: str,
) -> None:
    store = MemoryStore("out")
    digest, same = an_earlier_request(store, language), a_request(options=Options(language="zh"))
    assert digest != same.digest
    assert is_same_request(store, "night", same, digest)
    assert not is_same_request(store, "night", a_request(options=Options(language="en")), digest)
    assert not is_same_request(store, "night", same, "the digest of a job with another output")
    assert not is_same_request(MemoryStore("out"), "night", same, digest)


@pytest.mark.parametrize("language", ["cn", "jp", "xx", "none"])
def test_a_job_of_an_earlier_release_with_an_unknown_language_is_refused(language: str) -> None:
    store = MemoryStore("out")
    digest = an_earlier_request(store, language)
    assert has_request(store, "s3://out/", "night")
    with pytest.raises(JobRefused, match=r"language: must be .*enqueue its files in a new job"):
        read_request(store, "s3://out/", "night")
    assert not is_same_request(store, "night", a_request(), digest)
