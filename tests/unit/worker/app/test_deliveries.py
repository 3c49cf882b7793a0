"""What becomes of a shard that comes again, comes twice, or comes as its worker ends."""

import pytest
from celery.exceptions import Reject

from funasr_fleet.worker.coordination.attempts import Attempt
from funasr_fleet.worker.events import ShardLocked
from tests.support.examples import a_shard
from tests.support.fake_child import ChildAtWork, FakeTask
from tests.unit.worker.app.test_task import a_message


@pytest.fixture
def child() -> ChildAtWork:
    return ChildAtWork()


def died(times: int) -> Attempt:
    return Attempt(
        attempt_id="x",
        number=times + 1,
        deaths=times,
        last_death="signal 9 (SIGKILL) (on cpu, slot 0)",
    )


@pytest.mark.parametrize("deaths", [1, 2, 9])
def test_a_shard_that_took_its_worker_down_is_split_into_its_files(
    child: ChildAtWork, deaths: int
) -> None:
    shard = a_shard(child.bench.upload("a.wav"), child.bench.upload("b.wav"))
    child.attempt, task = died(deaths), FakeTask()
    child.in_flight[shard.shard] = 2  # as the child left it that died
    child.run(shard.to_message(), task)
    assert [one["files"][0]["audio"] for one in task.shards_sent] == [
        "s3://in/a.wav",
        "s3://in/b.wav",
    ]
    assert (child.bench.outcomes, child.letters, child.closed) == ([], [], ["night"])
    assert child.in_flight == {f"{shard.shard}.0": 0, f"{shard.shard}.1": 0}
    assert (len(child.settled), child.ended, child.claimed) == (1, [], [])
    assert (child.told, child.heart.beating) == (1, None)


def test_a_job_stays_open_while_a_shard_is_split(child: ChildAtWork) -> None:
    shard = a_shard(child.bench.upload("a.wav"), child.bench.upload("b.wav"))
    open_shards: list[set[str]] = []
    child.attempt, child.in_flight = died(1), {shard.shard: 0}
    task = FakeTask(before_sending=lambda: open_shards.append(set(child.in_flight)))
    child.run(shard.to_message(), task)
    assert open_shards == [{shard.shard, f"{shard.shard}.0", f"{shard.shard}.1"}] * 2


@pytest.mark.parametrize(("deaths", "refused"), [(0, False), (2, False), (3, True), (4, True)])
def test_a_file_that_took_down_too_many_workers_is_put_aside(
    child: ChildAtWork, deaths: int, refused: bool
) -> None:
    child.attempt = died(deaths)
    child.run(a_message(child), max_attempts=3)
    assert [letter.reason for letter in child.letters] == [
        f"crashed its worker {deaths} times; last crash: signal 9 (SIGKILL) (on cpu, slot 0)"
    ] * refused
    if refused:
        report = child.bench.document("a.wav.error.json")
        assert (report["error"]["kind"], report["error"]["attempts"]) == ("poison", deaths)
        assert child.ledger == [("night", 0, "failed", 0)]
        assert child.bench.outcomes == ["failed"]
    else:
        assert child.bench.outcomes == ["ok"]


def test_a_death_that_nobody_saw_is_told_as_that(child: ChildAtWork) -> None:
    child.attempt = Attempt(attempt_id="x", number=4, deaths=3, last_death="")
    child.run(a_message(child))
    assert "last crash: unknown" in child.letters[0].reason


def test_poison_that_killed_behind_its_commit_keeps_its_result(child: ChildAtWork) -> None:
    message = a_message(child)
    child.run(message)
    child.attempt = died(3)
    child.run(message)
    assert len(child.letters) == 1
    assert child.bench.outputs() == ["_jobs/night/shards/night-000000.jsonl", "a.wav.json"]
    assert child.ledger == [("night", 0, "ok", 1000)]


def test_a_shard_that_another_process_holds_comes_again_and_is_not_touched(
    child: ChildAtWork,
) -> None:
    child.held_s, task = 7.0, FakeTask(retries=2)
    child.run(a_message(child), task)
    ((waits_s, retries),) = task.sent_again
    assert waits_s == pytest.approx(7.0, rel=0.2)
    assert retries == 2
    assert child.bench.events == [ShardLocked(shard="night-000000", delay_s=7.0)]
    assert (child.bench.outcomes, child.ledger, child.ended, child.forgiven) == ([], [], [], 0)


def test_a_holder_is_not_waited_for_longer_than_it_may_take(child: ChildAtWork) -> None:
    child.held_s, task = 110.0, FakeTask()
    child.run(a_message(child), task)
    ((waits_s, retries),) = task.sent_again
    assert waits_s == pytest.approx(20.0, rel=0.2)
    assert retries == 0


def test_a_worker_that_ends_gives_back_what_it_has_not_begun(child: ChildAtWork) -> None:
    child.drains_after_looks = 0
    with pytest.raises(Reject):
        child.run(a_message(child))
    assert (child.bench.events, child.claimed, child.forgiven) == ([], [], 0)


def test_a_worker_that_ends_finishes_files_and_gives_the_rest_back(child: ChildAtWork) -> None:
    uris = [child.bench.upload(f"{number}.wav") for number in range(9)]
    child.drains_after_looks = 4  # before the shard, and before each of three files
    with pytest.raises(Reject):
        child.run(a_shard(*uris).to_message())
    assert child.bench.outcomes == ["ok"] * 3
    assert (child.forgiven, child.claimed, child.cancelled) == (1, [], [])
    assert child.in_flight == {"night-000000": 0}, "the job stays open"
    assert child.ended == []


def test_a_worker_that_ends_when_all_is_done_is_done(child: ChildAtWork) -> None:
    child.drains_after_looks = 2
    child.run(a_message(child, job=None))
    assert (child.bench.outcomes, len(child.ended)) == (["ok"], 1)
