"""A shard is unchanged after serialisation and parsing, whatever it contains."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.job import MAX_INDEX, Shard
from funasr_fleet.contract.layout import check_relative
from tests.support.examples import a_shard

JOB_NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,150}", fullmatch=True)
LETTERS = st.text("abcé漢 -_.#@", min_size=1, max_size=12)


def _is_safe(name: str) -> bool:
    try:
        return check_relative(name) == name
    except ValueError:
        return False


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "formats": st.lists(st.sampled_from(["json", "txt", "srt", "vtt"])),
        "language": st.none() | st.sampled_from(["zh", "en"]),
        "hotwords": st.lists(LETTERS),
        "timestamps": st.sampled_from(["segment", "word"]),
        "speakers": st.booleans(),
        "channels": st.sampled_from(["mix", "split"]),
    },
)
NUMBERS = st.none() | st.integers(0, 1 << 40)
FILES = st.fixed_dictionaries(
    {"audio": LETTERS.filter(_is_safe).map(lambda key: f"s3://in/{key}")},
    optional={
        "index": st.none() | st.integers(0, MAX_INDEX),
        "relative": LETTERS.filter(_is_safe),
        "etag": st.none() | LETTERS,
        "bytes": NUMBERS,
        "start_ms": st.none() | st.integers(0, 1000),
        "end_ms": st.none() | st.integers(1001, 1 << 40),
        "channel": st.none() | st.integers(0, 7),
        "options": OPTIONS,
    },
)
SHARDS = st.fixed_dictionaries(
    {
        "schema": st.just(1),
        "shard": LETTERS,
        "output": st.just("s3://out/p/"),
        "files": st.lists(FILES, min_size=1, max_size=3),
    },
    optional={"job": st.none() | JOB_NAMES, "options": OPTIONS, "overwrite": st.booleans()},
).filter(lambda document: document.get("job") or not document.get("overwrite"))


@given(SHARDS)
def test_a_shard_sent_as_json_arrives_unchanged(document: dict[str, Any]) -> None:
    shard = Shard.from_message(document)
    assert Shard.from_message(json.loads(json.dumps(shard.to_message()))) == shard


def test_a_message_leaves_out_what_is_default() -> None:
    message = a_shard("s3://in/a.wav").to_message()
    assert set(message) == {"schema", "shard", "job", "output", "files"}
    assert message["schema"] == 1
    assert set(message["files"][0]) == {"index", "audio", "relative"}


def test_a_message_names_the_size_bytes() -> None:
    message = Shard.from_message(
        {
            "schema": 1,
            "shard": "s",
            "output": "s3://out/",
            "files": [{"audio": "s3://in/a", "bytes": 9}],
        }
    ).to_message()
    assert message["files"][0]["bytes"] == 9
