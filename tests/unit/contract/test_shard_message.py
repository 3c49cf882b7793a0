"""One invalid entry of a shard does not invalidate the others."""

import json
from typing import Any

import pytest

from funasr_fleet.contract.job import MAX_INDEX, MalformedShard
from funasr_fleet.contract.shard_message import InvalidEntry, read_shard

SHARD: dict[str, Any] = {"schema": 1, "shard": "s1", "job": "night", "output": "s3://out/p/"}
GOOD = {"index": 7, "audio": "s3://in/a.wav"}


def message(*entries: Any, **fields: Any) -> dict[str, Any]:
    return {**SHARD, "files": list(entries), **fields}


def only_invalid(entry: Any) -> InvalidEntry:
    shard, (invalid,) = read_shard(message(GOOD, entry))
    assert [ref.index for ref in shard.files] == [7]
    assert invalid.position == 1
    assert "secret" not in invalid.reason
    return invalid


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"start_ms": 9000, "end_ms": 100}, "end_ms must be after start_ms"),
        ({"start_ms": "secret"}, "start_ms"),
        ({"channel": -1}, "channel"),
        ({"bytes": True}, "bytes"),
        ({"surprise": "secret"}, "surprise"),
        ({"options": {"formats": ["secret"]}}, "options: formats.0"),
        ({"options": {"hotwords": "secret"}}, "options: hotwords"),
    ],
)
def test_an_entry_with_a_valid_name_keeps_name_index_and_address(
    fields: dict[str, Any], named: str
) -> None:
    found = only_invalid({"index": 3, "audio": "s3://in/b.wav", **fields})
    assert named in found.reason
    assert (found.index, found.audio, found.relative) == (3, "s3://in/b.wav", "b.wav")
    assert found.is_safe


@pytest.mark.parametrize(
    ("entry", "called"),
    [
        ({"audio": "s3://in/b.wav", "relative": "../x"}, "../x"),
        ({"audio": "s3://in/b.wav", "relative": "a\u202eb\n"}, "a\\u202eb\\u000a"),
        ({"audio": "s3://in/b.wav", "relative": "\ud800"}, "\\ud800"),
        ({"audio": "s3://in/b.wav", "relative": 7}, "entry 1"),
        ({"audio": "s3://in/_jobs/b.wav"}, "_jobs/b.wav"),
        ({"audio": "ftp://in/b.wav"}, "entry 1"),
        ({}, "entry 1"),
        ("text", "entry 1"),
        (None, "entry 1"),
    ],
)
def test_an_entry_without_a_valid_name_is_not_written_to(entry: Any, called: str) -> None:
    found = only_invalid(entry)
    assert (found.relative, found.is_safe) == (called, False)
    assert found.relative.isprintable()


def test_an_invalid_address_with_a_valid_name_can_have_an_error_report() -> None:
    found = only_invalid({"audio": "ftp://in/b.wav", "relative": "b.wav"})
    assert (found.audio, found.relative, found.is_safe) == ("", "b.wav", True)


def test_an_address_is_shown_without_its_secrets() -> None:
    found = only_invalid({"audio": "https://host/b.wav?key=secret", "channel": -1})
    assert found.audio == "https://host/b.wav"


@pytest.mark.parametrize("index", [-1, MAX_INDEX + 1, True, "3", 3.0, None])
def test_an_invalid_index_is_left_out(index: Any) -> None:
    assert only_invalid({"audio": "s3://in/b.wav", "index": index, "channel": -1}).index is None


def test_the_message_of_an_invalid_entry_has_no_other_entry() -> None:
    entry = {"audio": "s3://in/b.wav", "relative": "../x"}
    document = message(GOOD, entry, options={"hotwords": ["alpha"] * 100})
    _, (found,) = read_shard(document)
    assert json.loads(json.dumps(found.document)) == {**SHARD, "files": [entry]}


def test_a_shard_may_have_no_valid_entry() -> None:
    shard, invalid = read_shard(message({"audio": "s3://in/b.wav", "channel": -1}, 7))
    assert (shard.shard, shard.files) == ("s1", ())
    assert [one.position for one in invalid] == [0, 1]


def repeating(*entries: dict[str, Any], **fields: Any) -> tuple[list[int | None], list[Any]]:
    """The indexes of the valid files, and index, name, is_safe and reason of the invalid ones."""
    shard, invalid = read_shard(message(GOOD, *entries, **fields))
    assert json.loads(json.dumps([one.document["files"] for one in invalid])) == [
        [entries[one.position - 1]] for one in invalid
    ]
    found = [(one.index, one.relative, one.is_safe, one.reason) for one in invalid]
    return [ref.index for ref in shard.files], found


NAME_TAKEN = "invalid entry: relative: an earlier file has this name"
INDEX_TAKEN = "invalid entry: index: an earlier file has this index"


@pytest.mark.parametrize("more", [(), ({"audio": "s3://in/c.wav", "channel": -1},)])
def test_a_later_entry_with_the_name_or_index_of_another_is_invalid(more: Any) -> None:
    """With an entry that is invalid by itself, and without."""
    same_name = {"index": 8, "audio": "s3://other/a.wav"}
    same_range = {"index": 9, "audio": "s3://in/b.wav", "relative": "a.wav", "start_ms": 5}
    same_index = {"index": 7, "audio": "s3://in/b.wav"}
    last = {"index": 10, "audio": "s3://in/last.wav"}
    valid, invalid = repeating(same_name, same_range, same_index, last, *more)
    assert valid == [7, 10]
    assert invalid[:3] == [
        (8, "a.wav", False, NAME_TAKEN),
        (9, "a.wav", False, NAME_TAKEN),
        (7, "b.wav", True, INDEX_TAKEN),
    ]
    assert len(invalid) == 3 + len(more)


def test_the_name_of_an_entry_with_a_taken_index_is_taken_too() -> None:
    """Its error report has this name."""
    taken = {"index": 7, "audio": "s3://in/b.wav"}
    valid, invalid = repeating(taken, {"index": 8, "audio": "s3://other/b.wav"})
    assert valid == [7]
    assert invalid == [(7, "b.wav", True, INDEX_TAKEN), (8, "b.wav", False, NAME_TAKEN)]


def test_an_exact_repetition_is_one_file() -> None:
    assert repeating(GOOD, GOOD) == ([7], [])


def test_files_without_an_index_share_none() -> None:
    assert repeating({"audio": "s3://in/b.wav"}, {"audio": "s3://in/c.wav"}) == (
        [7, None, None],
        [],
    )


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        message(),
        message(*[7] * 10_001),
        {**SHARD, "files": None},
        {**SHARD, "files": {"0": GOOD}},
        message(GOOD, {}, output="x"),
        message(GOOD, {}, shard=""),
        message(GOOD, {}, job="a:b"),
        message(GOOD, {}, schema=2),
        message(GOOD, {}, options={"formats": ["x"]}),
        message(GOOD, {}, surprise=1),
    ],
)
def test_a_message_that_is_not_a_shard_is_malformed(document: Any) -> None:
    with pytest.raises(MalformedShard, match="malformed shard"):
        read_shard(document)


@pytest.mark.parametrize("name", ["x" * 600, "\u7535" * 200])
def test_a_name_that_is_too_long_with_the_output_is_invalid_and_not_written(name: str) -> None:
    long = {"audio": "s3://in/b.wav", "relative": name}
    shard, (invalid,) = read_shard(message(GOOD, long, output=f"s3://out/{'p' * 396}/"))
    assert [ref.index for ref in shard.files] == [7]
    assert "too long for a key in S3" in invalid.reason
    assert not invalid.is_safe
    shard, none = read_shard(message(GOOD, long, output=f"s3://out/{'p' * 395}/"))
    assert (len(shard.files), none) == (2, ())


def test_a_repetition_of_an_entry_with_a_long_name_is_ignored() -> None:
    long = {"audio": "s3://in/b.wav", "relative": "x" * 900, "index": 1}
    shard, invalid = read_shard(message(GOOD, long, long, output=f"s3://out/{'p' * 200}/"))
    assert ([ref.index for ref in shard.files], [one.index for one in invalid]) == ([7], [1])
