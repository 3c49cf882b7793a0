"""Random keys of a job are lost at random times; the job is never wrongly shown as complete.

The life of a job: it is planned in windows, its shards are started, finished in parts, delivered
twice, retried and reconciled. A job of another client declares its number of files in a shard or
by `close`. After each event, all commands and metrics that show its state are checked.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from funasr_fleet.producer.planning import discover
from funasr_fleet.settings import Settings
from tests.support.client_job_life import ClientLife
from tests.support.job_life import Life
from tests.support.memory_store import MemoryStore
from tests.support.messages import FILES, wipe

CASES, CASES_AT_ONCE, QUICK_CASES = 200, 25, 10


@pytest.fixture
def a_life(
    separate_fleet: Settings, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Life]:
    monkeypatch.setattr(discover, "WINDOW_FILES", 3)
    rows = "".join(f'{{"audio": "s3://audio/calls/{number}.wav"}}\n' for number in range(FILES))
    (tmp_path / "a.jsonl").write_text(rows)

    def make(seed: int) -> Life:
        wipe(separate_fleet)
        return Life(
            settings=separate_fleet,
            store=MemoryStore("transcripts", "audio"),
            output=f"{output}{seed}/",
            manifest=str(tmp_path / "a.jsonl"),
            random=random.Random(seed),
        )

    return make


def lose_keys_and_repair(a_life: Callable[[int], Life], seeds: range) -> None:
    for seed in seeds:
        print("seed", seed)  # shown if the case fails
        life = a_life(seed)
        life.live()
        life.repair_and_end()


def lose_keys_of_client_jobs(settings: Settings, output: str, seeds: range) -> None:
    for seed in seeds:
        print("seed", seed)  # shown if the case fails
        wipe(settings)
        store = MemoryStore("transcripts", "audio")
        life = ClientLife(settings, store, f"{output}{seed}/", random.Random(seed))
        life.live()
        life.repair_and_end()


def test_a_job_that_loses_keys_at_random_is_never_wrongly_complete(
    a_life: Callable[[int], Life],
) -> None:
    lose_keys_and_repair(a_life, range(QUICK_CASES))


def test_a_job_of_another_client_that_loses_keys_at_random_is_never_wrongly_complete(
    separate_fleet: Settings, output: str
) -> None:
    lose_keys_of_client_jobs(separate_fleet, output, range(QUICK_CASES))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, CASES, CASES_AT_ONCE))
def test_two_hundred_jobs_of_other_clients_are_never_wrongly_complete(
    separate_fleet: Settings, output: str, first: int
) -> None:
    lose_keys_of_client_jobs(separate_fleet, output, range(first, first + CASES_AT_ONCE))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, CASES, CASES_AT_ONCE))
def test_two_hundred_jobs_that_lose_keys_at_random_are_never_wrongly_complete(
    a_life: Callable[[int], Life], first: int
) -> None:
    lose_keys_and_repair(a_life, range(first, first + CASES_AT_ONCE))
