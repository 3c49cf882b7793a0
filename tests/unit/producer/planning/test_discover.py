"""What is found beside the publishing is what would have been found in one process."""

import json
from pathlib import Path

import pytest

from funasr_fleet.producer.discovery.interface import BadRow
from funasr_fleet.producer.planning.discover import DiscoveryRequest, discover
from funasr_fleet.producer.planning.parts import Part, write_part
from funasr_fleet.producer.planning.planner_process import _packed, _unpacked
from funasr_fleet.producer.planning.request import JobRequest
from tests.support.memory_store import MemoryStore


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("funasr_fleet.producer.planning.discover.WINDOW_FILES", 4)


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
    return list(discover(search, store, bad.append)), bad


def test_every_name_is_found_once_and_bad_rows_are_told(search: DiscoveryRequest) -> None:
    parts, bad = found(search, MemoryStore("out"))
    names = [json.loads(file.row)["relative"] for part in parts for file in part.files]
    assert names == [f"{number}.wav" for number in range(9)]
    assert [part.number for part in parts] == [0, 1, 2]
    assert len(bad) == 1


@pytest.mark.parametrize("planned", [1, 2, 3])
def test_what_is_planned_is_not_found_again_nor_are_its_names(
    search: DiscoveryRequest, planned: int
) -> None:
    store = MemoryStore("out")
    whole, _ = found(search, store)
    for part in whole[:planned]:
        write_part(store, "s3://out/", "night", part)
    rest, _ = found(search, store)
    assert rest == whole[planned:]


def test_a_part_comes_through_a_pipe_as_it_was(search: DiscoveryRequest) -> None:
    for part in found(search, MemoryStore("out"))[0]:
        kind, *said = _packed(part)
        assert (kind, _unpacked(*said)) == ("part", part)
