"""A stream of references -> windows; killed anywhere, the rest is the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, Found
from funasr_fleet.producer.planning.discover import Item, Window, cut, plan, stream
from funasr_fleet.producer.planning.parts import Cursor, Part, read_part, read_parts, write_part
from tests.support.examples import a_ref
from tests.support.memory_store import MemoryStore

OUTPUT = "s3://out/prefix/"


@dataclass
class Rows:
    """A source of rows; those that are None are bad."""

    names: list[str | None]

    def after(self, position: str) -> Iterator[Found]:
        for number, name in enumerate(self.names, 1):
            if number > int(position or 0):
                bad = BadRow(f"line {number}", "no audio")
                yield Found(str(number), a_ref(f"s3://in/{name}.wav") if name else bad, 1000)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("funasr_fleet.producer.planning.discover.WINDOW_FILES", 3)


SOURCES = [Rows(["a", None, "b", "c", "d"]), Rows([]), Rows([None, "e", "f", "g", None])]


def all_of(found: Found) -> Found:
    return found


def refs_of(window: Window) -> list[str]:
    return [ref.relative for ref, _ in window.refs]


def test_windows_are_full_but_for_the_last_and_bad_rows_are_told() -> None:
    bad: list[BadRow] = []
    found = list(cut(stream(SOURCES, Cursor(), all_of), Cursor(), bad.append))
    assert [refs_of(one) for one in found] == [
        ["a.wav", "b.wav", "c.wav"],
        ["d.wav", "e.wav", "f.wav"],
        ["g.wav"],
    ]
    assert [one.where for one in bad] == ["line 2", "line 1", "line 5"]


def test_behind_every_window_the_rest_comes_as_it_would_have() -> None:
    whole = list(cut(stream(SOURCES, Cursor(), all_of), Cursor(), lambda _: None))
    for number, window in enumerate(whole, 1):
        rest = cut(stream(SOURCES, window.next_cursor, all_of), window.next_cursor, lambda _: None)
        assert list(rest) == whole[number:]


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 8])
def test_no_more_references_are_taken_than_wanted(limit: int) -> None:
    found = list(cut(stream(SOURCES, Cursor(), all_of), Cursor(), lambda _: None, limit))
    assert sum(len(one.refs) for one in found) == min(limit, 7)
    second = found[0].next_cursor
    rest = list(cut(stream(SOURCES, second, all_of), second, lambda _: None, limit))
    assert sum(len(one.refs) for one in rest) == max(0, min(limit, 7) - 3)


def a_part() -> Part:
    second = list(cut(stream(SOURCES, Cursor(), all_of), Cursor(), lambda _: None))[1]
    return plan(second, 1, [False, True, False], lambda ref, ms: (ms or 0) + len(ref.relative))


def test_a_plan_numbers_its_files_and_knows_what_is_done() -> None:
    part = a_part()
    assert [file.index for file in part.files] == [3, 4, 5]
    assert part.done == [4]
    assert part.estimated_ms == 2 * 1005
    rows = [json.loads(file.row) for file in part.files]
    assert [AudioRef.model_validate(row).index for row in rows] == [3, 4, 5]


def test_a_part_comes_back_from_s3_as_it_was() -> None:
    store, part = MemoryStore("out"), a_part()
    write_part(store, OUTPUT, "night", part)
    assert read_part(store, OUTPUT, "night", 1) == part
    assert read_part(store, OUTPUT, "night", 0) is None
    assert list(read_parts(store, OUTPUT, "night", 1)) == [part]
    assert list(read_parts(store, OUTPUT, "night")) == []


def test_names_that_json_would_escape_come_back_too() -> None:
    ref = a_ref('s3://in/电话 "1".wav')
    window = Window(refs=[(ref, None)], next_cursor=Cursor(0, "1", 1))
    part, store = plan(window, 0, [False], lambda *_: 7), MemoryStore("out")
    write_part(store, OUTPUT, "night", part)
    again = read_part(store, OUTPUT, "night", 0)
    assert again == part
    assert AudioRef.model_validate_json(part.files[0].row) == ref.model_copy(update={"index": 0})


def test_an_item_knows_its_source() -> None:
    assert [item.source for item in stream(SOURCES, Cursor(), all_of)] == [0] * 5 + [2] * 5
    assert isinstance(next(stream(SOURCES, Cursor(), all_of)), Item)
