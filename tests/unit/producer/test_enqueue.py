"""How a job is named, and what makes two commands the same."""

import re
from typing import Any

import pytest

from funasr_fleet.contract.job import Options
from funasr_fleet.producer.api import new_job_name
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.producer.planning.request import (
    JobRequest,
    read_request,
    read_start_time,
    write_request,
)
from funasr_fleet.storage.base import MemoryStore


def test_jobs_started_in_the_same_second_have_different_names() -> None:
    names = {new_job_name() for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"job-\d{8}-\d{6}-[0-9a-f]{6}", name) for name in names)


def a_request(**fields: Any) -> JobRequest:
    return JobRequest(**{"sources": ("s3://in/",), "output": "s3://out/", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"sources": ("s3://in/", "s3://other/")},
        {"output": "s3://out/x/"},
        {"options": Options(language="zh")},
        {"overwrite": True},
        {"limit": 7},
        {"since": 1.5},
        {"suffixes": ("wav",)},
        {"limits": ShardLimits(files=7)},
        {"model": "demo"},
        {"options": Options(itn=False)},
    ],
)
def test_another_command_is_another_request(fields: dict[str, Any]) -> None:
    assert a_request().digest == a_request().digest
    assert a_request(**fields).digest != a_request().digest


def test_a_request_survives_s3_unchanged() -> None:
    store = MemoryStore("out")
    request = a_request(
        options=Options(formats=("json", "srt"), hotwords=("nine",)),
        limits=ShardLimits(seconds=10),
        suffixes=("wav",),
        model="demo",
    )
    assert read_request(store, "s3://out/", "night") is None
    write_request(store, "night", request, "2026-11-22T12:00:00Z")
    again = read_request(store, "s3://out/", "night")
    assert again == request
    assert again.digest == request.digest
    assert read_start_time(store, "s3://out/", "night") == "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("fields", "digest"),
    [
        ({}, "22d933bd16b1150cd77ddd48bfd53db413bab59a8ad65c1064820b2cefa8da7a"),
        (
            {
                "options": Options(formats=("json", "srt"), language="zh", hotwords=("nine",)),
                "limit": 7,
            },
            "34f1d795aafb87967514b0da8742a1633019e34bd3137c588b0ec78237f6ec25",
        ),
    ],
)
def test_jobs_of_the_first_release_can_be_resumed(fields: dict[str, Any], digest: str) -> None:
    assert a_request(**fields).digest == digest
