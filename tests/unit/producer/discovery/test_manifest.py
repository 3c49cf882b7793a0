"""Rows of a manifest: their fields, the names of their results, and invalid rows."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, BadSource, Content
from funasr_fleet.producer.discovery.manifest import Manifest
from funasr_fleet.producer.discovery.rows import read_row
from tests.support.examples import items
from tests.support.memory_store import MemoryStore

AUDIO = "s3://b/calls/k.wav"
LOCAL = "a local path: enqueue its folder"


def _ref(row: dict[str, Any]) -> AudioRef:
    return read_row(row)[0]


def test_a_row_may_have_every_documented_field() -> None:
    ref = _ref(
        {
            "audio": AUDIO,
            "start_ms": 0,
            "end_ms": 60000,
            "channel": 0,
            "language": "zh",
            "hotwords": ["alpha"],
            "id": "my-id",
        }
    )
    assert (ref.audio, ref.start_ms, ref.end_ms, ref.channel) == (AUDIO, 0, 60000, 0)
    assert ref.options == {"language": "zh", "hotwords": ["alpha"]}
    assert (ref.relative, ref.index) == ("my-id", None)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "calls/k.wav"),
        ({"start_ms": 1000, "end_ms": 2000}, "calls/k.wav@1000-2000"),
        ({"start_ms": 1000}, "calls/k.wav@1000-"),
        ({"end_ms": 2000}, "calls/k.wav@0-2000"),
        ({"start_ms": 0}, "calls/k.wav"),
        ({"channel": 0}, "calls/k.wav#0"),
        ({"start_ms": 5, "end_ms": 9, "channel": 1}, "calls/k.wav@5-9#1"),
        ({"id": "x/y", "channel": 1}, "x/y"),
        ({"id": 7}, "7"),
        ({"id": 0}, "0"),
        ({"relative": 7, "id": "x"}, "7"),
        ({"relative": 0, "id": "x"}, "0"),
        ({"relative": "", "id": "x"}, "x"),
    ],
)
def test_results_are_named_by_id_or_by_key_range_and_channel(
    fields: dict[str, Any], name: str
) -> None:
    assert _ref({"audio": AUDIO, **fields}).relative == name


def _read(body: str | bytes) -> list[AudioRef | BadRow]:
    return items(_manifest(body))


def _manifest(body: str | bytes, name: str = "list.jsonl") -> Manifest:
    store = MemoryStore("in")
    store.write(f"s3://in/{name}", body.encode() if isinstance(body, str) else body, "")
    return Manifest(f"s3://in/{name}", store)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("{", "not a JSON object"),
        ("7", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{}", "audio"),
        ('{"audio": "hush.wav"}', "audio"),
        ('{"audio": "https://hush/k"}', "audio"),
        (f'{{"audio": "{AUDIO}", "start_ms": 5, "end_ms": 5}}', "end_ms"),
        (f'{{"audio": "{AUDIO}", "id": "../hush"}}', "relative"),
        (f'{{"audio": "{AUDIO}", "chanel": "hush"}}', "chanel"),
        (f'{{"audio": "{AUDIO}", "hotwords": "hush"}}', "hotwords"),
        (f'{{"audio": "{AUDIO}", "language": 5}}', "language"),
        (f'{{"audio": "{AUDIO}", "language": "xx"}}', "language: must be a language"),
        (f'{{"audio": "{AUDIO}", "language": "*"}}', "language: must be a language"),
        (f'{{"audio_filepath": "{AUDIO}", "language": "hush"}}', "language: must be"),
        (f'{{"audio_filepath": "{AUDIO}", "offset": "hush"}}', "offset: must be seconds"),
        (f'{{"audio_filepath": "{AUDIO}", "offset": true}}', "offset: must be seconds"),
        (f'{{"audio_filepath": "{AUDIO}", "duration": -1}}', "duration: must be seconds"),
        (f'{{"audio_filepath": "{AUDIO}", "duration": NaN}}', "duration: must be seconds"),
        (f'{{"audio_filepath": "{AUDIO}", "duration": 1e999}}', "duration: must be seconds"),
        ('{"audio_filepath": "/data/hush.wav"}', LOCAL),
        ('{"audio": "hush.wav"}', LOCAL),
        (f'{{"audio": "{AUDIO}", "said": "hush"}}', "unknown field said"),
        (f'{{"audio": "{AUDIO}", "offset": 5}}', "unknown field offset"),
        (f'{{"audio": "{AUDIO}", "duration_ms": "hush"}}', "duration_ms: must be milliseconds"),
        (f'{{"audio": "{AUDIO}", "id": ["hush"]}}', "id: must be text"),
        (f'{{"audio": "{AUDIO}", "relative": ["hush"]}}', "relative or id: must be text"),
        (f'{{"audio": "{AUDIO}", "relative": false}}', "relative or id: must be text"),
        (f'{{"audio": "{AUDIO}", "options": {{}}}}', "unknown field options"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field_and_its_neighbours_are_kept(
    row: str, named: str
) -> None:
    good = json.dumps({"audio": AUDIO})
    before, bad, after = _read(f"{good}\n{row}\n{good}\n")
    assert before == after == _ref({"audio": AUDIO})
    assert isinstance(bad, BadRow)
    assert str(bad).startswith("s3://in/list.jsonl, line 2: ")
    assert named in str(bad)
    assert "hush" not in str(bad)


def test_a_row_that_is_not_utf8_is_a_bad_row() -> None:
    (bad,) = _read(b'{"audio": "\xff"}\n')
    assert isinstance(bad, BadRow)


def test_blank_lines_are_skipped_and_still_counted() -> None:
    good = json.dumps({"audio": AUDIO})
    found = _read(f"\n{good}\n   \n\noops\n{good}")
    assert [type(item) for item in found] == [AudioRef, BadRow, AudioRef]
    assert [item.where for item in found if isinstance(item, BadRow)] == [
        "s3://in/list.jsonl, line 5"
    ]


def test_a_local_manifest_is_read_like_one_in_s3(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps({"audio": AUDIO}) + "\n")
    assert items(Manifest(str(path), MemoryStore())) == [_ref({"audio": AUDIO})]


def test_a_truncated_compressed_manifest_yields_its_whole_rows_before_the_error() -> None:
    rows = [json.dumps({"audio": f"s3://b/{n}.wav"}) for n in range(20_000)]
    packed = gzip.compress("\n".join(rows).encode())
    found: list[Content] = []
    manifest = _manifest(packed[: len(packed) // 2], "list.jsonl.gz")
    with pytest.raises(BadSource, match=r"truncated after line \d+"):
        found.extend(one.item for one in manifest.after(""))
    assert found == [_ref({"audio": f"s3://b/{n}.wav"}) for n in range(len(found))]
    assert len(found) > 1000
