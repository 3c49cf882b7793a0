"""Shards that are redelivered, duplicated, split, or delivered while the worker drains."""

import pytest
from celery.exceptions import Reject

from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.layout import failed_record_uri
from funasr_fleet.contract.shard_record import decode
from funasr_fleet.storage.base import StoreUnavailable
from funasr_fleet.worker.app.publish import split
from funasr_fleet.worker.coordination.attempts import Attempt
from funasr_fleet.worker.error_handling import MAX_RETRIES
from funasr_fleet.worker.events import ShardLocked
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_child import FakeChild, FakeTask
from tests.unit.worker.app.test_task import a_message


@pytest.fixture
def child() -> FakeChild:
    return FakeChild()


def died(times: int) -> Attempt:
    return Attempt(
        attempt_id="x",
        number=times + 1,
        deaths=times,
        last_death="signal 9 (SIGKILL) (on cpu, slot 0)",
    )


@pytest.mark.parametrize("deaths", [1, 2, 9])
def test_a_shard_that_crashed_its_worker_is_split_into_its_files(
    child: FakeChild, deaths: int
) -> None:
    shard = a_shard(child.bench.upload("a.wav"), child.bench.upload("b.wav"))
    child.attempt, task = died(deaths), FakeTask()
    child.in_flight[shard.shard] = 2  # recorded by the crashed child
    child.run(shard.to_message(), task)
    assert [one["files"][0]["audio"] for one in task.shards_sent] == [
        "s3://in/a.wav",
        "s3://in/b.wav",
    ]
    assert (child.bench.outcomes, child.dead_letters, child.closed) == ([], [], ["night"])
    assert child.in_flight == {f"{shard.shard}.0": 0, f"{shard.shard}.1": 0}
    assert (len(child.resolved), child.ended, child.claimed) == (1, [], [])
    assert (child.state_writes, child.heart.beating) == (1, None)


def test_a_job_stays_open_while_a_shard_is_split(child: FakeChild) -> None:
    shard = a_shard(child.bench.upload("a.wav"), child.bench.upload("b.wav"))
    open_shards: list[set[str]] = []
    child.attempt, child.in_flight = died(1), {shard.shard: 0}
    task = FakeTask(before_sending=lambda: open_shards.append(set(child.in_flight)))
    child.run(shard.to_message(), task)
    assert open_shards == [{shard.shard, f"{shard.shard}.0", f"{shard.shard}.1"}] * 2


@pytest.mark.parametrize(("deaths", "refused"), [(0, False), (2, False), (3, True), (4, True)])
def test_a_file_that_crashes_too_many_workers_is_moved_to_the_dead_letters(
    child: FakeChild, deaths: int, refused: bool
) -> None:
    child.attempt = died(deaths)
    child.run(a_message(child), max_attempts=3)
    assert [letter.reason for letter in child.dead_letters] == [
        f"crashed its worker {deaths} times; last crash: signal 9 (SIGKILL) (on cpu, slot 0)"
    ] * refused
    assert child.bench.outcomes == (["failed"] if refused else ["ok"])
    assert (child.closed, child.in_flight) == (["night"], {})
    if refused:
        report = child.bench.document("a.wav.error.json")
        assert (report["error"]["kind"], report["error"]["attempts"]) == ("poison", deaths)
        assert child.ledger == [("night", 0, "failed", 0)]
        failed = child.bench.store.read(failed_record_uri(OUTPUT, "night", "night-000000"))
        assert [row.error.kind for row in decode(failed) if row.error] == ["poison"]


def test_a_crash_without_a_cause_is_reported_as_unknown(child: FakeChild) -> None:
    child.attempt = Attempt(attempt_id="x", number=4, deaths=3, last_death="")
    child.run(a_message(child))
    assert "last crash: unknown" in child.dead_letters[0].reason


def test_a_file_that_crashed_after_its_commit_keeps_its_result(child: FakeChild) -> None:
    message = a_message(child)
    child.run(message)
    child.attempt = died(3)
    child.run(message)
    assert len(child.dead_letters) == 1
    assert child.bench.outputs() == ["_jobs/night/shards/night-000000.jsonl", "a.wav.json"]
    assert child.ledger == [("night", 0, "ok", 1000)]


@pytest.mark.parametrize(("held_s", "delay_s"), [(7.0, 7.0), (110.0, 20.0)])
def test_a_shard_that_another_process_holds_is_delayed_by_at_most_twenty_seconds(
    child: FakeChild, held_s: float, delay_s: float
) -> None:
    child.held_s, task = held_s, FakeTask(retries=2)
    child.run(a_message(child), task)
    ((waits_s, retries),) = task.sent_again
    assert waits_s == pytest.approx(delay_s, rel=0.2)
    assert retries == 2
    assert child.bench.events == [ShardLocked(shard="night-000000", delay_s=delay_s)]
    assert (child.bench.outcomes, child.ledger, child.ended, child.discarded) == ([], [], [], 0)


def test_a_draining_worker_requeues_an_unstarted_shard(child: FakeChild) -> None:
    child.drains_after_looks = 0
    with pytest.raises(Reject):
        child.run(a_message(child))
    assert (child.bench.events, child.claimed, child.discarded) == ([], [], 0)


def test_a_draining_worker_finishes_files_in_progress_and_requeues_the_rest(
    child: FakeChild,
) -> None:
    uris = [child.bench.upload(f"{number}.wav") for number in range(9)]
    child.drains_after_looks = 4  # before the shard, and before each of three files
    with pytest.raises(Reject):
        child.run(a_shard(*uris).to_message())
    assert child.bench.outcomes == ["ok"] * 3
    assert (child.discarded, child.claimed, child.cancelled) == (1, [], [])
    assert child.in_flight == {"night-000000": 0}, "the job stays open"
    assert child.ended == []


def test_a_shard_that_is_done_when_draining_starts_is_not_requeued(child: FakeChild) -> None:
    child.drains_after_looks = 2
    child.run(a_message(child, job=None))
    assert (child.bench.outcomes, len(child.ended)) == (["ok"], 1)


def test_a_duplicate_of_a_dead_letter_is_not_transcribed_again(child: FakeChild) -> None:
    message = a_message(child)
    child.bench.store.failing_reads["s3://in/a.wav"] = StoreUnavailable("away")
    child.run(message, FakeTask(retries=MAX_RETRIES))
    assert child.rejected == "message-1"
    del child.bench.store.failing_reads["s3://in/a.wav"]
    child.run(message)
    assert child.bench.outcomes == ["failed"]
    assert (len(child.dead_letters), child.discarded, child.claimed) == (1, 0, [])
    child.rejected = "another"
    child.run(message)
    assert child.bench.outcomes == ["failed", "ok"], "the shard sent again in another message"


def test_splitting_gives_each_file_a_shard_with_the_same_options() -> None:
    shard = a_shard("s3://in/a.wav", "s3://in/b.wav", overwrite=True)
    parts = split(shard)
    assert [part.files for part in parts] == [(ref,) for ref in shard.files]
    for part in parts:
        assert part.model_copy(update={"shard": shard.shard, "files": shard.files}) == shard


def test_names_of_split_shards_are_stable_and_unique() -> None:
    shard = a_shard(*(f"s3://in/{number}.wav" for number in range(200)))
    names = [part.shard for part in split(shard)]
    assert names == [part.shard for part in split(shard)]
    assert len(set(names)) == 200
    assert all(name.startswith(shard.shard) for name in names)


def test_a_shard_with_the_longest_name_can_be_split() -> None:
    shard = a_shard("s3://in/a.wav", "s3://in/b.wav").model_copy(update={"shard": "x" * 200})
    for part in split(shard):
        assert Shard.from_message(part.to_message()) == part
