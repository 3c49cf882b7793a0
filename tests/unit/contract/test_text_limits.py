"""Texts and lists of a file have maximum lengths, which messages and manifest rows share."""

import json
from typing import Any

import pytest

from funasr_fleet.contract.audio_address import MAX_ADDRESS_CHARS
from funasr_fleet.contract.job import MAX_ETAG_CHARS, MAX_HOTWORDS
from funasr_fleet.contract.language import MAX_LANGUAGE_CHARS
from funasr_fleet.contract.shard_message import read_shard
from funasr_fleet.producer.discovery.interface import BadRow
from funasr_fleet.producer.discovery.manifest import Manifest
from tests.support.examples import OUTPUT, items
from tests.support.memory_store import MemoryStore

AUDIO = "s3://in/calls/k.wav"
LONGEST: dict[str, Any] = {
    "audio": "s3://in/".ljust(MAX_ADDRESS_CHARS, "k"),
    "etag": "e" * MAX_ETAG_CHARS,
    "hotwords": ["word"] * MAX_HOTWORDS,
    "language": "german".ljust(MAX_LANGUAGE_CHARS),
}


def of_message(field: str, value: Any) -> str:
    """The reason why a worker rejects the file; empty if it does not."""
    own = {"options": {field: value}} if field in ("hotwords", "language") else {field: value}
    file = {"audio": AUDIO, "relative": "name", **own}
    _, invalid = read_shard({"schema": 1, "shard": "s", "output": OUTPUT, "files": [file]})
    return invalid[0].reason if invalid else ""


def of_row(field: str, value: Any) -> str:
    """The reason why `fleet enqueue` rejects the row; empty if it does not."""
    store = MemoryStore("in")
    row = {"audio": AUDIO, "relative": "name", field: value}
    store.write("s3://in/l.jsonl", json.dumps(row).encode(), "")
    (item,) = items(Manifest("s3://in/l.jsonl", store))
    return str(item) if isinstance(item, BadRow) else ""


@pytest.mark.parametrize("field", sorted(LONGEST))
@pytest.mark.parametrize("reason_of", [of_message, of_row])
def test_a_text_or_list_above_its_maximum_is_invalid(field: str, reason_of: Any) -> None:
    longest = LONGEST[field]
    assert reason_of(field, longest) == ""
    longer = longest + longest[-1:]
    assert field in reason_of(field, longer)
    assert len(reason_of(field, longer)) < 300
