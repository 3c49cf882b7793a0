"""An output prefix names one folder, also in stores that map keys to paths."""

import pytest

from funasr_fleet.contract.job import MalformedShard
from funasr_fleet.contract.layout import (
    MAX_PREFIX_BYTES,
    check_output,
    error_uri,
    failed_record_uri,
    invalid_entry_name,
    job_uri,
    part_uri,
    shard_record_uri,
    split_uri,
)
from funasr_fleet.contract.shard_message import read_shard

LEAVING = [
    *("s3://out/../", "s3://out/a/../b/", "s3://out/./", "s3://out/a/./", "s3://../a/", "s3://./"),
    *("s3://out/a/\u2025/", "s3://out/\uff0e\uff0e/", "s3://out/a\uff0f..\uff0fb/"),
]
UNSAFE = [
    *(f"s3://out/a{chr(number)}b/" for number in (0, 1, 9, 10, 13, 27, 0x7F, 0x85, 0x9B)),
    *("s3://out/a\\..\\b/", "s3://out/\u202ea/", "s3://out/a\u2028b/", "s3://out/\ud800/"),
    *("s3://o\x1but/a/", "s3://o\\ut/a/"),
]
KEPT = [
    *(
        "s3://out/",
        "s3://out/a b/",
        "s3://out/..a/",
        "s3://out/a../",
        "s3://out/a.b/",
        "s3://o/.a/",
    ),
    *("s3://out/%2e%2e/", "s3://out/%2F_jobs/", "s3://out/a//b/", "s3://out/a /", "s3://out/A/"),
    *("s3://out/\u7535\u8bdd/", "s3://out/caf\u00e9/", "s3://out/cafe\u0301/"),
    f"s3://out/{'a' * (MAX_PREFIX_BYTES - 1)}/",
]


@pytest.mark.parametrize("uri", LEAVING)
def test_a_prefix_that_could_leave_its_folder_is_rejected(uri: str) -> None:
    with pytest.raises(ValueError, match=r"the path component '\.' or '\.\.'"):
        check_output(uri)


@pytest.mark.parametrize("uri", UNSAFE)
def test_a_prefix_with_characters_that_are_never_shown_is_rejected(uri: str) -> None:
    with pytest.raises(ValueError, match="backslashes, control characters or unsafe Unicode"):
        check_output(uri)


def test_a_prefix_that_leaves_no_room_for_names_is_rejected() -> None:
    for name in ("a" * MAX_PREFIX_BYTES, "\u6f22" * (MAX_PREFIX_BYTES // 3 + 1)):
        with pytest.raises(ValueError, match=f"at most {MAX_PREFIX_BYTES} bytes"):
            check_output(f"s3://out/{name}/")


@pytest.mark.parametrize("uri", KEPT)
def test_other_prefixes_are_accepted_unchanged(uri: str) -> None:
    assert check_output(uri) == uri


JOB = "j" * 150
LONGEST = f"s3://out/{'a' * (MAX_PREFIX_BYTES - 1)}/"


@pytest.mark.parametrize("shard", ["s" * 200, "\u6f22" * 200, "\ud800" * 200, "." * 200])
def test_the_keys_of_every_document_of_a_job_fit_in_s3(shard: str) -> None:
    names = ("_SUCCESS", "cancelled", "failures.jsonl", "report.json", "bad_rows/999999999.txt")
    check_output(LONGEST)
    for uri in (
        *(job_uri(LONGEST, JOB, name) for name in names),
        shard_record_uri(LONGEST, JOB, shard),
        failed_record_uri(LONGEST, JOB, shard),
        part_uri(LONGEST, JOB, 999_999),
        error_uri(LONGEST, invalid_entry_name(shard, 9_999)),
    ):
        assert len(split_uri(uri)[1].encode()) <= 1024


def test_a_message_with_a_prefix_that_is_too_long_is_malformed() -> None:
    message = {"schema": 1, "shard": "s", "output": LONGEST, "files": [{"audio": "s3://in/a"}]}
    assert read_shard(message)[0].output == LONGEST
    with pytest.raises(MalformedShard, match=f"output: .*at most {MAX_PREFIX_BYTES} bytes"):
        read_shard({**message, "output": f"{LONGEST[:-1]}a/"})
