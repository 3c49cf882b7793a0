"""Rows with reference texts name the same outputs as in `fleet enqueue`."""

import gzip
import io
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from funasr_fleet.producer.discovery.interface import BadRow, BadSource
from funasr_fleet.producer.discovery.manifest import Manifest
from funasr_fleet.producer.evaluation.references import (
    EmptyReferences,
    NoReferences,
    Reference,
    read_references,
)
from tests.support.examples import items, refs
from tests.support.memory_store import MemoryStore

AUDIO = "s3://in/calls/k.wav"


def _stored(name: str, body: str | bytes) -> tuple[str, MemoryStore]:
    store = MemoryStore("in")
    uri = f"s3://in/{name}"
    store.write(uri, body if isinstance(body, bytes) else body.encode(), "")
    return uri, store


def _read(name: str, body: str | bytes) -> list[Reference | BadRow]:
    return list(read_references(*_stored(name, body)))


def _rows(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


NAMED: list[dict[str, Any]] = [
    {"audio": AUDIO},
    {"audio": AUDIO, "start_ms": 1000, "end_ms": 2000},
    {"audio": AUDIO, "channel": 1},
    {"audio": AUDIO, "id": "mine", "language": "zh", "hotwords": ["a"]},
    {"audio": AUDIO, "id": "mine", "relative": "stronger"},
    {"audio": AUDIO, "relative": 7},
    {"audio": AUDIO, "relative": 0, "id": "other"},
    {"audio": AUDIO, "relative": "", "id": "another"},
    {"audio_filepath": AUDIO, "offset": 1, "relative": "ignored"},
    {"audio_filepath": AUDIO, "offset": 3.5, "duration": 2},
    {"audio_filepath": AUDIO.replace("k", "m"), "duration": 2},
]


def test_a_row_names_the_outputs_that_enqueue_writes() -> None:
    enqueued = [ref.relative for ref in refs(Manifest(*_stored("m.jsonl", _rows(*NAMED))))]
    texts = _rows(*({**row, "text": str(n)} for n, row in enumerate(NAMED)))
    found = _read("m.jsonl", texts)
    assert [one.relative for one in found if isinstance(one, Reference)] == enqueued
    assert "calls/k.wav@1000-2000" in enqueued
    assert [one.text for one in found if isinstance(one, Reference)] == [
        str(n) for n in range(len(NAMED))
    ]


def test_rows_of_tables_name_the_same_outputs_in_any_column_order() -> None:
    body = "\n".join(
        ("{}audio,start_ms,end_ms,id", f"{{}}{AUDIO},1000,2000.0,", f"{{}}{AUDIO},,,x")
    )
    plain = Manifest(*_stored("m.csv", body.replace("{}", "")))
    header, first, second = body.split("\n")
    told = [header.replace("{}", "text,"), first.replace("{}", '"yes, ""he"" said",')]
    found = _read("m.csv", "\r\n".join([*told, second.replace("{}", "no,")]))
    assert [one.relative for one in found if isinstance(one, Reference)] == [
        ref.relative for ref in refs(plain)
    ]
    assert [one.text for one in found if isinstance(one, Reference)] == ['yes, "he" said', "no"]


def test_relative_names_apply_except_in_rows_of_nemo() -> None:
    ours = {"audio": AUDIO, "text": "a", "relative": "k.wav"}
    nemo = {"audio_filepath": AUDIO, "text": "a", "relative": "k.wav"}
    assert _read("m.jsonl", _rows(ours, nemo)) == [
        Reference("k.wav", "a"),
        Reference("calls/k.wav", "a"),
    ]
    table = f"relative\taudio\ttext\nk.wav\t{AUDIO}\ta\n\t{AUDIO}\ta\n"
    assert _read("m.tsv", table) == [Reference("k.wav", "a"), Reference("calls/k.wav", "a")]
    assert _read("m.tsv", table.replace("audio", "audio_filepath")) == [
        Reference("calls/k.wav", "a")
    ]


def test_a_missing_text_differs_from_an_empty_one() -> None:
    rows = [{"audio": f"s3://in/{n}.wav", **more} for n, more in enumerate(({}, {"text": ""}))]
    assert [one.text for one in _read("m.jsonl", _rows(*rows)) if isinstance(one, Reference)] == [
        None,
        "",
    ]
    assert _read("m.csv", f"audio,text\n{AUDIO},\n") == [Reference("calls/k.wav", None)]


def test_a_language_and_a_compressed_manifest_are_read() -> None:
    row = {"audio": AUDIO, "text": "你好", "language": "zh"}
    found = _read("m.jsonl.gz", gzip.compress(_rows(row).encode()))
    assert found == [Reference("calls/k.wav", "你好", "zh")]


def test_standard_input_is_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.BytesIO(_rows({"audio": AUDIO, "text": "a"}).encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given))
    assert list(read_references("-", MemoryStore())) == [Reference("calls/k.wav", "a")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nonsense", "line 1: not a JSON object"),
        ("[1]", "line 1: not a JSON object"),
        (json.dumps({"audio": AUDIO, "text": 7}), "line 1: text: must be text"),
        (json.dumps({"audio": AUDIO, "text": "a", "relative": "../x"}), "must not contain"),
        (json.dumps({"audio": AUDIO, "reference": "a"}), "unknown field reference"),
        (json.dumps({"audio": "calls/a.wav", "text": "a"}), "a local path"),
        (json.dumps({"text": "a"}), "audio: "),
    ],
)
def test_a_bad_row_has_its_line_and_a_reason(row: str, reason: str) -> None:
    (found,) = _read("m.jsonl", row + "\n")
    assert isinstance(found, BadRow)
    assert "s3://in/m.jsonl, line 1" in str(found)
    assert reason in str(found)


def test_a_line_break_within_quotes_is_a_bad_row() -> None:
    first, second = _read("m.csv", f'audio,text\n{AUDIO},"one\ntwo"\n')
    assert isinstance(first, BadRow)
    assert "a line break within quotes" in first.reason
    assert isinstance(second, BadRow)


@pytest.mark.parametrize("row", [f"{AUDIO}", f'{AUDIO},"a', f"{AUDIO},a,b"])
def test_a_bad_row_of_a_table_does_not_affect_the_others(row: str) -> None:
    bad, good = _read("m.csv", f"audio,text\n{row}\ns3://in/b.wav,b\n")
    assert isinstance(bad, BadRow)
    assert bad.where == "s3://in/m.csv, line 2"
    assert good == Reference("b.wav", "b")


def test_invalid_utf8_and_long_lines_are_bad_rows() -> None:
    reasons = [
        one.reason
        for one in _read("m.jsonl", b"\xff\n" + b"x" * (1 << 21))
        if isinstance(one, BadRow)
    ]
    assert reasons == ["not UTF-8", "longer than 1048576 bytes"]


def test_a_repeated_row_is_ignored_and_a_conflicting_one_is_bad() -> None:
    row = {"audio": AUDIO, "text": "a"}
    first, other = _read("m.jsonl", _rows(row, row, {**row, "text": "b"}))
    assert first == Reference("calls/k.wav", "a")
    assert isinstance(other, BadRow)
    assert "line 3: another row already has the output name calls/k.wav" in str(other)


def test_a_table_may_have_long_texts() -> None:
    (found,) = _read("m.csv", f"audio,text\n{AUDIO},{'word ' * 100_000}\n")
    assert isinstance(found, Reference)
    assert len(found.text or "") == 500_000


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("m.txt", AUDIO),
        ("wav.scp", f"a {AUDIO}"),
        ("m.wav", ""),
        ("m.csv", ""),
        ("m.csv", f"audio,id\n{AUDIO},a\n"),
        ("m.csv", "audio,id\n"),
    ],
)
def test_sources_without_texts_are_rejected(name: str, body: str) -> None:
    with pytest.raises(NoReferences, match=r"m\.|wav\.scp") as refused:
        _read(name, body)
    assert str(NoReferences.__doc__) in str(refused.value)


@pytest.mark.parametrize("header", ["text,speaker,audio", "text,id", "audio,text,text"])
def test_a_header_that_enqueue_would_refuse_is_rejected(header: str) -> None:
    with pytest.raises(BadSource, match=r"column|including audio") as refused:
        _read("m.csv", f"{header}\n")
    with pytest.raises(BadSource) as enqueued:
        refs(Manifest(*_stored("m.csv", f"{header}\n")))
    assert str(refused.value) == str(enqueued.value)


@pytest.mark.parametrize("row", ['{"audio": "%s", "relative": [7]}', '{"audio": "%s", "x": 1}'])
def test_a_row_that_enqueue_rejects_has_the_same_reason_here(row: str) -> None:
    stored = _stored("m.jsonl", row % AUDIO)
    assert list(read_references(*stored)) == items(Manifest(*stored))


@pytest.mark.parametrize(
    ("name", "body"), [("m.jsonl", ""), ("m.json", "\n\n"), ("m.csv", "audio,text\n")]
)
def test_references_without_rows_are_rejected(name: str, body: str) -> None:
    with pytest.raises(EmptyReferences, match=rf"{name}: The references have no row"):
        _read(name, body)
