"""What shards said of files, read in any order: good news is never replaced."""

import itertools

import pytest

from funasr_fleet.contract.layout import shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, RecordedError, encode
from funasr_fleet.producer.jobs.rebuild import JobOutcomes, read_outcomes
from tests.support.memory_store import MemoryStore

OK = FileRecord(index=5, relative="a", outcome="ok", audio_ms=700)
FAILED = FileRecord(
    index=5, relative="a", outcome="failed", error=RecordedError(kind="poison", message="")
)
CANCELLED = FileRecord(index=5, relative="a", outcome="cancelled")


SKIPPED = FileRecord(index=5, relative="a", outcome="skipped")


@pytest.mark.parametrize("order", list(itertools.permutations([OK, FAILED, CANCELLED, SKIPPED])))
def test_a_file_that_succeeded_once_is_done(order: list[FileRecord]) -> None:
    outcomes = JobOutcomes()
    for record in order:
        outcomes.take(record)
    assert outcomes.good(5) == ("ok", 700)
    assert outcomes.failure(5) is None


def test_a_file_that_only_failed_is_known_by_its_kind() -> None:
    outcomes = JobOutcomes()
    outcomes.take(FAILED)
    assert (outcomes.good(5), outcomes.failure(5)) == (None, "poison")
    assert (outcomes.good(4), outcomes.failure(4), outcomes.good(99)) == (None, None, None)


def test_the_rows_of_all_shards_are_read() -> None:
    store = MemoryStore("out")
    for shard in range(600):
        records = [FileRecord(index=2 * shard + n, relative="x", outcome="empty") for n in (0, 1)]
        uri = shard_record_uri("s3://out/", "night", f"s{shard}")
        store.write(uri, encode(records), "")
    outcomes = read_outcomes(store, "s3://out/", "night")
    assert all(outcomes.good(index) == ("empty", 0) for index in range(1200))
