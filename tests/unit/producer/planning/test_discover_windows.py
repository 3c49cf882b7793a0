"""References become windows and shards; a resumed plan equals an uninterrupted one."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, Found, Ignored
from funasr_fleet.producer.planning.discover import (
    DiscoveryRequest,
    Item,
    Window,
    cut,
    discover,
    plan,
    stream,
)
from funasr_fleet.producer.planning.packing import PlannedFile, ShardLimits, pack, shard_name
from funasr_fleet.producer.planning.parts import Cursor, Part, read_part, read_parts, write_part
from funasr_fleet.producer.planning.planner_process import _packed, _unpacked
from funasr_fleet.producer.planning.request import JobRequest
from tests.support.examples import a_ref, a_store
from tests.support.memory_store import MemoryStore

OUTPUT = "s3://out/prefix/"


@dataclass
class Rows:
    """A source of rows; None is an invalid row."""

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


def test_windows_are_full_except_the_last_and_bad_rows_are_reported() -> None:
    bad: list[BadRow | Ignored] = []
    found = list(cut(stream(SOURCES, Cursor(), all_of), Cursor(), bad.append))
    assert [refs_of(one) for one in found] == [
        ["a.wav", "b.wav", "c.wav"],
        ["d.wav", "e.wav", "f.wav"],
        ["g.wav"],
    ]
    where = [one.where for one in bad if isinstance(one, BadRow)]
    assert where == ["line 2", "line 1", "line 5"]


def test_planning_resumes_after_any_window() -> None:
    whole = list(cut(stream(SOURCES, Cursor(), all_of), Cursor(), lambda _: None))
    for number, window in enumerate(whole, 1):
        rest = cut(stream(SOURCES, window.next_cursor, all_of), window.next_cursor, lambda _: None)
        assert list(rest) == whole[number:]


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 8])
def test_the_limit_of_references_is_kept_across_a_resume(limit: int) -> None:
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


def test_a_part_survives_s3_unchanged() -> None:
    store, part = MemoryStore("out"), a_part()
    write_part(store, OUTPUT, "night", part)
    assert read_part(store, OUTPUT, "night", 1) == part
    assert read_part(store, OUTPUT, "night", 0) is None
    assert list(read_parts(store, OUTPUT, "night", 1)) == [part]
    assert list(read_parts(store, OUTPUT, "night")) == []


def test_names_that_json_escapes_survive_s3() -> None:
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


LIMITS = ShardLimits(files=4, seconds=100, total_bytes=1000, unknown_bytes=300)


def a_file(
    index: int, seconds: float = 10, size: int | None = 10, *, done: bool = False
) -> PlannedFile:
    return PlannedFile(index, b"{}", round(seconds * 1000), size, done)


files = st.lists(
    st.tuples(st.floats(0, 300), st.none() | st.integers(0, 3000), st.booleans()), max_size=60
).map(lambda some: [a_file(n, s, b, done=d) for n, (s, b, d) in enumerate(some)])


@given(files, st.randoms())
def test_every_open_file_is_in_one_shard_within_the_limits_the_longest_first(
    some: list[PlannedFile], dice: object
) -> None:
    groups = list(pack(some, LIMITS))
    packed = list(itertools.chain.from_iterable(groups))
    assert sorted(one.index for one in packed) == [one.index for one in some if not one.done]
    lengths = [one.estimated_ms for one in packed]
    assert lengths == sorted(lengths, reverse=True)
    for group in groups:
        assert group
        if len(group) > 1:  # a single file may exceed a limit
            assert len(group) <= LIMITS.files
            assert sum(one.estimated_ms for one in group) <= 100_000
            sizes = [300 if one.size_bytes is None else one.size_bytes for one in group]
            assert sum(sizes) <= LIMITS.total_bytes
    again = list(some)
    getattr(dice, "shuffle")(again)  # noqa: B009 - hypothesis' type says nothing
    assert list(pack(again, LIMITS)) == groups


def test_a_file_of_unknown_size_counts_with_the_default_size() -> None:
    groups = list(pack([a_file(n, size=None) for n in range(4)], LIMITS))
    assert [len(group) for group in groups] == [3, 1]


def test_shard_names_sort_in_planning_order() -> None:
    names = [shard_name("job", window, number) for window in (0, 1, 11) for number in (0, 9, 10)]
    assert names == sorted(names)
    assert len(set(names)) == 9


@pytest.fixture
def search(tmp_path: Path) -> DiscoveryRequest:
    rows = [{"audio": f"s3://in/{number}.wav"} for number in (0, 1, 2, 1, 3, 4, 5, 0, 6, 7, 8)]
    rows.insert(5, {"audio": "nowhere"})
    path = tmp_path / "list.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    request = JobRequest(sources=(str(path),), output="s3://out/")
    return DiscoveryRequest(job="night", request=request, model_revision="sha256:m")


def found(search: DiscoveryRequest, store: MemoryStore) -> tuple[list[Part], list[BadRow]]:
    bad: list[BadRow] = []
    return list(discover(search, store, bad.append, lambda _: None)), bad


def test_every_name_is_found_once_and_bad_rows_are_reported(search: DiscoveryRequest) -> None:
    parts, bad = found(search, MemoryStore("out"))
    names = [json.loads(file.row)["relative"] for part in parts for file in part.files]
    assert names == [f"{number}.wav" for number in range(9)]
    assert [part.number for part in parts] == [0, 1, 2]
    assert len(bad) == 1


@pytest.mark.parametrize("planned", [1, 2, 3])
def test_planned_files_are_not_found_again(search: DiscoveryRequest, planned: int) -> None:
    store = MemoryStore("out")
    whole, _ = found(search, store)
    for part in whole[:planned]:
        write_part(store, "s3://out/", "night", part)
    rest, _ = found(search, store)
    assert rest == whole[planned:]


IN_PREFIX = ("0.txt", "1.wav", "2.txt", "3.wav", "4", "5.wav", "6.pdf", "7.wav", "8.txt", "9.md")
OF_PREFIX = DiscoveryRequest(
    job="night",
    request=JobRequest(sources=("s3://in/",), output="s3://out/"),
    model_revision=None,
)


@pytest.fixture
def mixed() -> MemoryStore:
    """Audio and other objects in one prefix, and an empty output."""
    store = a_store(*IN_PREFIX)
    store.objects["out"] = {}
    return store


def planned_prefix(store: MemoryStore) -> tuple[list[Part], dict[str, int]]:
    totals: list[dict[str, int]] = []
    parts = list(discover(OF_PREFIX, store, lambda _: None, totals.append))
    return parts, totals[-1]


@pytest.mark.parametrize("planned", [0, 1, 2])
def test_what_is_ignored_is_counted_once_when_planning_resumes(
    mixed: MemoryStore, planned: int
) -> None:
    whole, totals = planned_prefix(mixed)
    assert totals == {".txt": 3, "(no suffix)": 1, ".md": 1, ".pdf": 1}
    assert whole[0].next_cursor.ignored == {".txt": 2, "(no suffix)": 1}
    for part in whole[:planned]:
        write_part(mixed, "s3://out/", "night", part)
    assert planned_prefix(mixed) == (whole[planned:], totals)


def test_a_part_survives_the_pipe_unchanged(search: DiscoveryRequest, mixed: MemoryStore) -> None:
    for part in found(search, MemoryStore("out"))[0] + planned_prefix(mixed)[0]:
        kind, *said = _packed(part)
        assert (kind, _unpacked(*said)) == ("part", part)
