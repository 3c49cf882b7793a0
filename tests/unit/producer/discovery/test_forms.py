"""How a line of each manifest format is read, and which lines are invalid."""

import io
from typing import Any

import pytest

from funasr_fleet.producer.discovery.interface import BadSource, Found
from funasr_fleet.producer.discovery.manifest import Manifest
from tests.support.examples import a_ref, items, reason, refs, resumes_after_each_position
from tests.support.memory_store import MemoryStore

AUDIO = "s3://b/calls/k.wav"
LOCAL = "a local path: enqueue its folder"


def _manifest(name: str, body: str) -> Manifest:
    store = MemoryStore("in")
    store.write(f"s3://in/{name}", body.encode(), "")
    return Manifest(f"s3://in/{name}", store)


def _one(name: str, body: str) -> Found:
    (found,) = _manifest(name, body).after("")
    return found


@pytest.mark.parametrize(
    ("row", "start_ms", "end_ms", "duration_ms"),
    [
        ('"duration": 61.25', None, None, 61250),
        ('"offset": 0, "duration": 61.25', 0, 61_250, None),
        ('"offset": null, "duration": null', None, None, None),
        ('"offset": 1.5, "duration": 9.25', 1500, 10750, None),
        ('"offset": 1.5', 1500, None, None),
        ('"offset": 0.0, "duration": 10.0', 0, 10_000, None),
        ('"offset": 0', 0, None, None),
        ('"offset": null, "duration": 10.0', None, None, 10_000),
        ('"offset": 0.0014, "duration": 0.0011', 1, 2, None),
        ('"text": "hello", "speaker": 7, "start_ms": "x"', None, None, None),
    ],
)
def test_a_row_of_nemo_counts_in_seconds_and_may_have_other_fields(
    row: str, start_ms: int | None, end_ms: int | None, duration_ms: int | None
) -> None:
    found = _one("m.json", f'{{"audio_filepath": "{AUDIO}", {row}}}')
    fields = {"start_ms": start_ms, "end_ms": end_ms}
    is_range = bool(start_ms or end_ms)
    name = f"calls/k.wav@{start_ms}-{end_ms or ''}" if is_range else "calls/k.wav"
    assert found.item == a_ref(AUDIO, relative=name, **fields)
    assert found.duration_ms == duration_ms


def test_size_etag_and_duration_of_a_row_are_kept() -> None:
    row = f'{{"audio": "{AUDIO}", "bytes": 5, "etag": "\\"e\\"", "duration_ms": 61250.4}}'
    found = _one("m.jsonl", row)
    assert found == Found("1", a_ref(AUDIO, bytes=5, etag='"e"'), 61250)


FULL: dict[str, Any] = {
    "start_ms": 0,
    "end_ms": 60000,
    "channel": 1,
    "relative": "my-id",
    "options": {"language": "zh", "hotwords": ["alpha", "beta"]},
    "bytes": 9,
}


@pytest.mark.parametrize(("suffix", "cut"), [("csv", ","), ("tsv", "\t")])
def test_a_table_may_have_every_field(suffix: str, cut: str) -> None:
    columns = ["id", "Audio ", "start_ms", "end_ms", "channel", "language", "hotwords", "bytes"]
    cells = ["my-id", AUDIO, "0", "60000.0", "1", "zh", "alpha; beta;", "9"]
    body = f"\n{cut.join(columns)}\r\n{cut.join(cells)}\r\n"
    assert refs(_manifest(f"list.{suffix}", body)) == [a_ref(AUDIO, **FULL)]


@pytest.mark.parametrize("column", ["audio", "audio_filepath", "path", "uri", "URI"])
def test_the_column_of_addresses_has_several_names(column: str) -> None:
    assert refs(_manifest("l.csv", f"{column}\n{AUDIO}\n")) == [a_ref(AUDIO)]


def test_an_empty_cell_is_a_missing_field() -> None:
    assert refs(_manifest("l.csv", f"audio,start_ms,id,hotwords\n{AUDIO},,,\n")) == [a_ref(AUDIO)]


def test_a_quoted_cell_may_contain_separators_and_quotes() -> None:
    (ref,) = refs(_manifest("l.csv", 'id,audio\nx,"s3://b/a,""b"".wav"\n'))
    assert ref.audio == 's3://b/a,"b".wav'


def test_a_table_made_from_a_nemo_manifest_is_read_like_one() -> None:
    body = f"audio_filepath,duration,text\n{AUDIO},9.5,hello\n"
    assert _one("l.csv", body) == Found("2", a_ref(AUDIO), 9500)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("a.wav,,", LOCAL),
        (f"{AUDIO},hush,", "start_ms: must be a number"),
        (f"{AUDIO},1.5,", "start_ms"),
        (f"{AUDIO},-1,", "start_ms"),
        (f"{AUDIO},nan,", "start_ms"),
        (f"{AUDIO}", "1 cells, but the header has 3"),
        (f"{AUDIO},,,", "4 cells"),
        (f'"{AUDIO},,', "invalid quotes, or a line break within quotes"),
        (",5,", "audio"),
    ],
)
def test_a_bad_row_of_a_table_has_a_reason_and_its_neighbours_are_kept(
    row: str, named: str
) -> None:
    good = f"{AUDIO},,"
    before, bad, after = items(_manifest("l.csv", f"audio,start_ms,id\n{good}\n{row}\n{good}\n"))
    assert before == after == a_ref(AUDIO)
    assert reason(bad).startswith("s3://in/l.csv, line 3: ")
    assert named in reason(bad)
    assert "hush" not in reason(bad)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (f"{AUDIO},5", "needs a header"),
        ("file,start_ms", "needs a header"),
        ("audio,chanel", "unknown column 'chanel'"),
        ("audio,path", "a duplicate column"),
        ("x" * (1 << 21), "needs a header"),
    ],
)
def test_a_table_with_a_wrong_header_is_a_bad_source(header: str, said: str) -> None:
    with pytest.raises(BadSource, match=f"l.csv.*{said}"):
        items(_manifest("l.csv", f"{header}\n{AUDIO},5\n"))


@pytest.mark.parametrize(
    ("name", "body"), [("l.csv", ""), ("l.csv", "\n\n"), ("l.csv", "audio,id\n"), ("l.jsonl", "")]
)
def test_a_manifest_without_rows_is_empty(name: str, body: str) -> None:
    assert items(_manifest(name, body)) == []


def test_a_list_has_an_address_per_line_and_comments() -> None:
    body = f"# made today\n{AUDIO}\r\n\n  s3://b/#1 x.wav \nfolder/a.wav\n"
    first, second, bad = items(_manifest("l.txt", body))
    assert (first, second) == (a_ref(AUDIO), a_ref("s3://b/#1 x.wav"))
    assert reason(bad).startswith(f"s3://in/l.txt, line 5: audio: {LOCAL}")


def test_wav_scp_names_results_by_the_utterance() -> None:
    body = f"utt-1 {AUDIO}\nutt-2\ts3://b/a b.wav\n"
    assert refs(_manifest("wav.scp", body)) == [
        a_ref(AUDIO, relative="utt-1"),
        a_ref("s3://b/a b.wav", relative="utt-2"),
    ]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("utt sox hush.mp3 -t wav - |", "a pipe command"),
        ("utt", "an id and s3://bucket/key"),
        ("utt /data/hush.wav", LOCAL),
        ("../hush s3://b/k.wav", "relative"),
    ],
)
def test_a_bad_line_of_wav_scp_has_a_reason(line: str, named: str) -> None:
    said = reason(_one("wav.scp", line).item)
    assert named in said
    assert "hush" not in said


def test_standard_input_takes_rows_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    body = f'{AUDIO}\n {{"audio": "{AUDIO}", "id": "x"}}\n# note\n{{oops\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(body.encode())))
    plain, row, bad = items(Manifest("-", MemoryStore()))
    assert (plain, row) == (a_ref(AUDIO), a_ref(AUDIO, relative="x"))
    assert reason(bad).startswith("standard input, line 4: not a JSON object")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("l.csv", f"audio,id\n{AUDIO},a\n\nbad\n{AUDIO},b\n"),
        ("l.txt", f"{AUDIO}\n# c\nbad\n{AUDIO}\n"),
        ("l.jsonl", f'{{"audio": "{AUDIO}"}}\nbad\n\n{{"audio": "{AUDIO}", "id": "x"}}\n'),
    ],
)
def test_every_manifest_format_resumes_after_any_line(name: str, body: str) -> None:
    assert resumes_after_each_position(_manifest(name, body))
