"""Where results lie, and what makes one current."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.contract.job import MalformedShard, Options
from funasr_fleet.contract.layout import (
    MAX_KEY_BYTES,
    BadJobName,
    check_job_name,
    check_relative,
    error_uri,
    fingerprint,
    is_s3_uri,
    key_of,
    output_uri,
    split_uri,
)
from tests.support.examples import OUTPUT, a_ref, a_shard


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "relative"),
        ("/etc/passwd", "relative"),
        ("../a", "'..'"),
        ("a/../../b", "'..'"),
        ("a/..", "'..'"),
        ("./a", "'.'"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        ("a\x7fb", "control"),
        ("a\\b", "backslash"),
        ("a" * (MAX_KEY_BYTES + 1), "at most"),
        ("漢" * (MAX_KEY_BYTES // 3 + 1), "bytes"),
    ],
)
def test_a_name_that_could_leave_its_prefix_is_refused(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_relative(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.mp3",
        "calls/2026/a b.mp3",
        "..a",
        "a..b",
        "a...",
        "a//b",
        ".hidden",
        "漢/字.wav",
        "a" * 900,
    ],
)
def test_a_harmless_name_is_kept_as_it_is(name: str) -> None:
    assert check_relative(name) == name


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40) | st.text("./\\a", max_size=12))
def test_an_accepted_name_stays_below_any_prefix(name: str) -> None:
    try:
        check_relative(name)
    except ValueError:
        return
    depth = 0
    for part in name.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        assert depth > 0


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("s3://b/k", True),
        ("s3://b/k/l m", True),
        ("s3://b/", False),
        ("s3://b", False),
        ("s3:///k", False),
        ("http://b/k", False),
        ("s3://b/k\0", False),
        (None, False),
        (7, False),
    ],
)
def test_an_address_has_a_bucket_and_a_key(value: Any, is_one: bool) -> None:
    assert is_s3_uri(value) is is_one


def test_an_address_falls_apart_into_bucket_and_key() -> None:
    assert split_uri("s3://b/x/y.mp3") == ("b", "x/y.mp3")
    assert split_uri("s3://b") == ("b", "")
    assert key_of("s3://b//x") == "x"


def test_outputs_lie_beside_each_other_named_after_the_file() -> None:
    assert output_uri(OUTPUT, "calls/a.mp3", "srt") == "s3://out/prefix/calls/a.mp3.srt"
    assert error_uri(OUTPUT, "calls/a.mp3") == "s3://out/prefix/calls/a.mp3.error.json"


BEFORE = fingerprint(a_ref(), '"e"', "sha256:m", Options())


@pytest.mark.parametrize(
    ("ref", "etag", "model", "options"),
    [
        ({"audio": "s3://in/calls/b.wav"}, '"e"', "sha256:m", {}),
        ({}, '"f"', "sha256:m", {}),
        ({}, '"e"', "sha256:n", {}),
        ({"start_ms": 1}, '"e"', "sha256:m", {}),
        ({"end_ms": 1}, '"e"', "sha256:m", {}),
        ({"channel": 0}, '"e"', "sha256:m", {}),
        ({}, '"e"', "sha256:m", {"formats": ["json", "srt"]}),
        ({}, '"e"', "sha256:m", {"language": "zh"}),
        ({}, '"e"', "sha256:m", {"hotwords": ["alpha"]}),
        ({}, '"e"', "sha256:m", {"timestamps": "word"}),
        ({}, '"e"', "sha256:m", {"speakers": True}),
        ({}, '"e"', "sha256:m", {"channels": "split"}),
    ],
)
def test_a_fingerprint_changes_with_everything_that_a_result_depends_on(
    ref: dict[str, Any], etag: str, model: str, options: dict[str, Any]
) -> None:
    after = fingerprint(a_ref(**ref), etag, model, Options.model_validate(options))
    assert after != BEFORE


@pytest.mark.parametrize(
    "fields", [{"index": 9}, {"relative": "other"}, {"bytes": 5}, {"etag": '"listed"'}]
)
def test_a_fingerprint_does_not_depend_on_where_and_when_a_file_was_listed(
    fields: dict[str, Any],
) -> None:
    assert fingerprint(a_ref(**fields), '"e"', "sha256:m", Options()) == BEFORE


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    """When this fails, every result in every bucket has gone stale."""
    assert BEFORE == "sha256:22f04d2bfcf72203023146957e77ed09812784b7b8c9c5c477ba51a0be76b4b1"


GOOD = ["j", "job-20261122-0007", "A.b_c-9", "x" * 150, ".", ".."]
BAD = ["", "j3:failed", "a b", "a/b", "夜班", "x" * 151, "a\n", "a\x1b[2J", "\ud800", "*"]


@pytest.mark.parametrize("name", GOOD)
def test_a_job_name_is_accepted_by_message_and_ledger(name: str) -> None:
    assert check_job_name(name) == name
    assert a_shard("s3://in/a.wav", job=name).job == name
    assert Keys("p:").job(name, "failed") == f"p:fleet:job:{name}:failed"


@pytest.mark.parametrize("name", BAD)
def test_any_other_name_is_rejected_by_message_and_ledger(name: str) -> None:
    with pytest.raises(BadJobName, match="is not a job name") as caught:
        check_job_name(name)
    assert str(caught.value).isascii()
    document: dict[str, Any] = a_shard("s3://in/a.wav").to_message()
    with pytest.raises(MalformedShard, match="job: "):
        type(a_shard("s3://in/a.wav")).from_message({**document, "job": name})
    with pytest.raises(BadJobName):
        Keys().job(name, "failed")


def test_no_job_s_key_is_part_of_another_job_s() -> None:
    jobs = [Keys().all_of(name) for name in GOOD]
    assert len({key for keys in jobs for key in keys}) == sum(map(len, jobs))
