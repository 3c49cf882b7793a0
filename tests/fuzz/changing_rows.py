"""Mutated manifests of every format: one changed row between two valid ones."""

import copy
import csv
import io
import json
import random
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.fuzz.changing_json import mutated

AUDIO = "s3://in/calls/k.wav"
_OURS: Mapping[str, Any] = MappingProxyType(
    {
        "audio": AUDIO,
        "start_ms": 10,
        "end_ms": 60_000,
        "channel": 1,
        "language": "zh",
        "hotwords": ["alpha", "beta"],
        "id": "call-7",
        "relative": "calls/7",
        "bytes": 812_345,
        "etag": '"9b2c"',
        "duration_ms": 61_000,
        "text": "one two",
        "formats": ["json", "srt"],
        "timestamps": "word",
        "speaker_count": 2,
        "merge_seconds": 15.0,
        "itn": True,
        "audio_track": 1,
    }
)
_NEMO: Mapping[str, Any] = MappingProxyType(
    {"audio_filepath": AUDIO, "offset": 1.5, "duration": 3.0, "id": "nemo-7", "text": "one"}
)
_IN_TABLES = ("id", "start_ms", "end_ms", "channel", "bytes", "duration_ms", "hotwords", "etag")
_LONG = (300, 2_000, 70_000, 200_000, 1_100_000)
"""Lengths of inserted text, in characters; the last one exceeds the limit of a line."""
_BYTES = (
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b'"',
    b"}",
    b"\r",
    b"\t",
    b",",
    b"\xef\xbb\xbf",
)


@dataclass(frozen=True)
class FuzzedManifest:
    """A manifest with a valid row before and after a changed one."""

    name: str
    head: bytes
    """The header of a table; else empty."""
    row: bytes
    """The changed row; one line."""
    good: bytes
    """A valid row without an output name of its own: its line number is not in it."""

    @property
    def body(self) -> bytes:
        lines = [*([self.head] if self.head else []), self.good, self.row, self.good]
        return b"\n".join(lines) + b"\n"


def changed_manifest(random_: random.Random) -> FuzzedManifest:
    """A manifest of a random format, with one changed row."""
    return random_.choice((_jsonl, _jsonl, _jsonl, _nemo, _table, _table, _txt, _scp))(random_)


def _jsonl(random_: random.Random, fields: Mapping[str, Any] = _OURS) -> FuzzedManifest:
    named = "audio" if "audio" in fields else "audio_filepath"
    kept = {name: fields[name] for name in fields if name == named or random_.random() < 0.5}
    changed = mutated(copy.deepcopy(kept), random_)
    if isinstance(changed, dict) and random_.random() < 0.6:
        changed[named] = AUDIO
    good = json.dumps({named: "s3://in/good.wav"}).encode()
    row = json.dumps(_widened(changed, random_), ensure_ascii=random_.random() < 0.5)
    return FuzzedManifest("rows.jsonl", b"", _damaged(_encoded(row), random_), good)


def _nemo(random_: random.Random) -> FuzzedManifest:
    return _jsonl(random_, _NEMO)


def _table(random_: random.Random) -> FuzzedManifest:
    suffix, delimiter = random_.choice((("csv", ","), ("tsv", "\t")))
    columns = ["audio", *random_.sample(_IN_TABLES, random_.randint(0, 5))]
    cells = _texts(mutated([_cell(name) for name in columns], random_))
    if len(cells) == len(columns) and random_.random() < 0.6:
        cells[0] = AUDIO
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(cells)
    good = delimiter.join(["s3://in/good.wav", *[""] * (len(columns) - 1)]).encode()
    head = delimiter.join(columns).encode()
    if random_.random() < 0.1:
        head = _damaged(head, random_)
    return FuzzedManifest(
        f"rows.{suffix}", head, _damaged(_encoded(text.getvalue()), random_), good
    )


def _cell(name: str) -> Any:
    return ";".join(_OURS[name]) if name == "hotwords" else _OURS[name]


def _texts(cells: Any) -> list[str]:
    """Each value as text; long lists are shortened, since repeated ones may print gigabytes."""
    values = cells if isinstance(cells, list) else [cells]
    return [one if isinstance(one, str) else reprlib.repr(one) for one in values]


def _txt(random_: random.Random) -> FuzzedManifest:
    (row,) = _texts([_widened(mutated(AUDIO, random_), random_)])
    return FuzzedManifest("rows.txt", b"", _damaged(_encoded(row), random_), b"s3://in/good.wav")


def _scp(random_: random.Random) -> FuzzedManifest:
    row = " ".join(_texts(mutated(["call-7", AUDIO], random_)))
    return FuzzedManifest("wav.scp", b"", _damaged(_encoded(row), random_), b"x s3://in/good.wav")


def _widened(value: Any, random_: random.Random) -> Any:
    """The value, rarely with a very long text, key or list, or with a very large number."""
    if random_.random() < 0.85:
        return value
    length, name = random_.choice(_LONG), random_.choice(list(_OURS))
    text = random_.choice("x\u6f22\x1b\U0001f600") * length
    if not isinstance(value, dict):
        return text
    wide: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: {name: text},
        lambda: {text: 1},
        lambda: {"hotwords": ["word"] * (length // 10)},
        lambda: {name: 10 ** (length % 4000)},
        lambda: {"audio": f"s3://in/{text}", "id": "long"},
        lambda: {"audio": f"https://host/{text}", "id": "long"},
    )
    return {**value, **random_.choice(wide)()}


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").replace(b"\n", b" ")


def _damaged(line: bytes, random_: random.Random) -> bytes:
    """The line, in one of seven cases with changed bytes; still one line."""
    if random_.random() < 0.85:
        return line
    for _ in range(random_.choice((1, 1, 2, 5))):
        at = random_.randrange(len(line) + 1)
        end = at + random_.choice((0, 0, 1, 5))
        line = line[:at] + random_.choice((b"", *_BYTES)) + line[end:]
    return line
