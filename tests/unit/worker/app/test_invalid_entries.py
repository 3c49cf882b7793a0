"""A shard with an invalid entry: that file fails, and the others are transcribed."""

from typing import Any

import pytest
from celery.exceptions import Reject

from funasr_fleet.contract.layout import failed_record_uri, shard_record_uri
from funasr_fleet.contract.shard_record import decode
from funasr_fleet.storage.base import ObjectDenied, StoreUnavailable
from funasr_fleet.worker.coordination.attempts import Attempt
from funasr_fleet.worker.error_handling import MAX_RETRIES
from funasr_fleet.worker.events import ShardDeadLettered
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_child import FakeChild, FakeTask


@pytest.fixture
def child() -> FakeChild:
    return FakeChild()


def a_message(child: FakeChild, *invalid: Any, good: int = 1) -> dict[str, Any]:
    """A message of valid files with the indexes 0, 1, ..., then the invalid entries."""
    uris = [child.bench.upload(f"{number}.wav") for number in range(good)]
    message = a_shard(*uris).to_message() if uris else a_shard("s3://in/0.wav").to_message()
    return {**message, "files": [*message["files"][:good], *invalid]}


def records(child: FakeChild, uri: str) -> list[tuple[str, str]]:
    return [(row.relative, row.outcome) for row in decode(child.bench.store.read(uri))]


def ended(child: FakeChild) -> list[tuple[str, str]]:
    """Name and outcome of each file in the shard record."""
    return records(child, shard_record_uri(OUTPUT, "night", "night-000000"))


def failed(child: FakeChild) -> list[tuple[str, str]]:
    """Name and outcome of each file in the record from which failures.jsonl is made."""
    return records(child, failed_record_uri(OUTPUT, "night", "night-000000"))


REVERSED = {"index": 5, "audio": "s3://in/r.wav", "start_ms": 9000, "end_ms": 100}
OUTSIDE = {"index": 6, "audio": "s3://in/o.wav", "relative": "../x"}
UNNAMED = "_jobs/~invalid/night-000000/"
"""Folder of the error reports of entries without a name of their own."""
WRONG_OPTION = {"index": 7, "audio": "s3://in/w.wav", "options": {"formats": ["docx"]}}


def test_an_invalid_entry_has_an_error_report_and_the_others_are_transcribed(
    child: FakeChild,
) -> None:
    child.run(a_message(child, REVERSED, WRONG_OPTION))
    assert sorted(child.ledger) == [
        ("night", 0, "ok", 1000),
        ("night", 5, "failed", 0),
        ("night", 7, "failed", 0),
    ]
    report = child.bench.document("r.wav.error.json")
    assert report["audio"]["uri"] == "s3://in/r.wav"
    assert report["error"]["kind"] == "model_error"
    assert "end_ms must be after start_ms" in report["error"]["message"]
    assert "options: formats.0" in child.bench.document("w.wav.error.json")["error"]["message"]
    assert child.bench.outcomes == ["ok", "failed", "failed"]
    assert (child.dead_letters, child.in_flight, child.closed) == ([], {}, ["night"])


def test_an_entry_without_a_valid_output_has_its_error_report_below_the_jobs_folder(
    child: FakeChild,
) -> None:
    child.run(a_message(child, OUTSIDE))
    assert sorted(child.ledger) == [("night", 0, "ok", 1000), ("night", 6, "failed", 0)]
    report = child.bench.document(f"{UNNAMED}1.error.json")
    assert report["audio"]["uri"] == "s3://in/o.wav"
    assert report["error"]["message"].startswith("invalid entry: relative: ")
    assert ended(child) == [("0.wav", "ok"), ("../x", "failed")]
    assert (child.dead_letters, child.bench.outcomes) == ([], ["ok", "failed"])


def test_a_redelivery_counts_an_invalid_entry_once(child: FakeChild) -> None:
    message = a_message(child, OUTSIDE, REVERSED)
    child.run(message)
    child.run(message)
    once = [("night", 0, "ok", 1000), ("night", 6, "failed", 0), ("night", 5, "failed", 0)]
    assert child.ledger == once * 2, "the ledger counts an index once"
    assert child.dead_letters == []


def test_a_shard_of_invalid_entries_ends(child: FakeChild) -> None:
    child.run(a_message(child, OUTSIDE, REVERSED, 7, good=0))
    assert sorted(entry[1:3] for entry in child.ledger) == [(5, "failed"), (6, "failed")]
    assert child.bench.document(f"{UNNAMED}0.error.json")
    assert child.bench.document(f"{UNNAMED}2.error.json")
    assert child.dead_letters == []
    assert (child.in_flight, child.closed, len(child.ended)) == ({}, ["night"], 1)


def test_a_shard_that_crashed_is_split_into_its_valid_entries(child: FakeChild) -> None:
    message = a_message(child, REVERSED, good=2)
    child.attempt = Attempt(attempt_id="x", number=2, deaths=1, last_death="")
    task = FakeTask()
    child.run(message, task)
    assert [part["files"][0]["index"] for part in task.shards_sent] == [0, 1]
    assert child.ledger == [("night", 5, "failed", 0)]
    assert ended(child) == failed(child) == [("r.wav", "failed")]


def test_a_split_that_is_postponed_has_a_reason(child: FakeChild) -> None:
    message = a_message(child, REVERSED, good=2)
    child.bench.store.failing_writes[f"{OUTPUT}r.wav.error.json"] = StoreUnavailable("away")
    child.attempt = Attempt(attempt_id="x", number=2, deaths=1, last_death="")
    task = FakeTask()
    child.run(message, task)
    assert child.postponed == [("night-000000", "storage_unavailable", "away")]
    assert (len(task.sent_again), task.shards_sent) == (1, [])


def test_a_dead_letter_that_is_postponed_has_a_reason(child: FakeChild) -> None:
    message = a_message(child)
    child.bench.store.failing_writes[f"{OUTPUT}0.wav.error.json"] = StoreUnavailable("away")
    child.attempt = Attempt(attempt_id="x", number=4, deaths=3, last_death="")
    child.run(message)
    assert child.postponed == [("night-000000", "storage_unavailable", "away")]


def test_a_poison_shard_records_its_invalid_entry(child: FakeChild) -> None:
    message = a_message(child, OUTSIDE)
    child.attempt = Attempt(attempt_id="x", number=4, deaths=3, last_death="")
    child.run(message)
    assert sorted(entry[1:3] for entry in child.ledger) == [(0, "failed"), (6, "failed")]
    assert sorted(failed(child)) == [("../x", "failed"), ("0.wav", "failed")]
    assert ended(child) == [("../x", "failed")]
    assert [one.message_id for one in child.dead_letters] == ["message-1"]
    assert child.bench.document(f"{UNNAMED}1.error.json")
    assert child.bench.outcomes == ["failed", "failed"]


def test_an_entry_whose_report_cannot_be_written_is_a_dead_letter(child: FakeChild) -> None:
    child.bench.store.failing_writes[f"{OUTPUT}r.wav.error.json"] = ObjectDenied("denied")
    child.run(a_message(child, REVERSED))
    assert [letter.message_id for letter in child.dead_letters] == ["message-1.files.1"]
    assert sorted(entry[1:3] for entry in child.ledger) == [(0, "ok"), (5, "failed")]


def test_an_entry_is_kept_while_storage_is_unavailable(child: FakeChild) -> None:
    child.bench.store.failing_writes[f"{OUTPUT}r.wav.error.json"] = StoreUnavailable("away")
    task = FakeTask()
    child.run(a_message(child, REVERSED), task)
    assert len(task.sent_again) == 1
    assert child.ledger == [("night", 0, "ok", 1000)]
    assert (child.dead_letters, child.bench.outcomes) == ([], ["ok"])


@pytest.mark.parametrize("away", ["in/0.wav", "out/prefix/_jobs/night/shards/night-000000.jsonl"])
def test_a_retry_does_not_count_an_invalid_entry_again(child: FakeChild, away: str) -> None:
    message, store = a_message(child, REVERSED), child.bench.store
    store.failing_writes[f"{OUTPUT}r.wav.error.json"] = ObjectDenied("denied")
    failing = store.failing_reads if away.startswith("in") else store.failing_writes
    failing[f"s3://{away}"] = StoreUnavailable("away")
    child.run(message)
    assert "failed" not in child.bench.outcomes
    del failing[f"s3://{away}"]
    child.run(message)
    assert child.bench.outcomes.count("failed") == 1
    assert [type(one) for one in child.bench.events].count(ShardDeadLettered) == 1


def test_a_file_with_the_name_of_an_invalid_entry_is_not_lost_on_a_drain(child: FakeChild) -> None:
    message = a_message(child, {**REVERSED, "audio": "s3://in/1.wav"}, good=2)
    message["files"].insert(0, message["files"].pop())
    child.drains_after_looks = 2  # before the second file
    with pytest.raises(Reject):
        child.run(message)
    assert child.ledger == [("night", 0, "ok", 1000)]
    child.drains_after_looks = None
    child.run(message)
    assert {entry[1:3] for entry in child.ledger} == {(0, "ok"), (1, "ok"), (5, "failed")}
    assert child.bench.document(f"{UNNAMED}0.error.json")
    assert "1.wav.error.json" not in child.bench.outputs()


def test_files_of_one_name_without_a_job_are_not_lost_on_a_drain(child: FakeChild) -> None:
    message = a_message(child, good=1)
    message = {key: value for key, value in message.items() if key != "job"}
    message["files"] = [{"audio": "s3://in/0.wav", "end_ms": end_ms} for end_ms in (900, 1000)]
    child.drains_after_looks = 2  # before the second file
    with pytest.raises(Reject):
        child.run(message)


def test_a_cancelled_job_cancels_invalid_entries_and_files_of_the_same_name(
    child: FakeChild,
) -> None:
    child.cancelled_jobs.add("night")
    child.run(a_message(child, {**REVERSED, "audio": "s3://in/0.wav"}, OUTSIDE))
    assert (child.cancelled, child.ledger) == ([0, 5, 6], [])
    assert (child.dead_letters, child.closed) == ([], ["night"])


def test_a_draining_worker_leaves_the_other_invalid_entries(
    child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch = child.heart.touch

    def drain_at_the_first_entry(doing: str, time_allowance_s: float = 0.0) -> None:
        child.is_drained = child.is_drained or doing == "report of r.wav"
        touch(doing, time_allowance_s)

    monkeypatch.setattr(child.heart, "touch", drain_at_the_first_entry)
    with pytest.raises(Reject):
        child.run(a_message(child, REVERSED, WRONG_OPTION))
    assert "report of w.wav" not in child.heart.beats
    assert child.bench.outcomes == ["ok"]


def test_entries_of_one_name_have_a_record_each(child: FakeChild) -> None:
    unnamed = {key: value for key, value in OUTSIDE.items() if key != "index"}
    child.run(a_message(child, unnamed, unnamed, REVERSED, {**REVERSED, "index": 8}))
    failures = [("../x", "failed")] * 2 + [("r.wav", "failed")] * 2
    assert (ended(child), failed(child)) == ([("0.wav", "ok"), *failures], failures)
    for position in (1, 2, 4):
        assert child.bench.document(f"{UNNAMED}{position}.error.json")


def test_a_dead_letter_of_the_shard_has_only_its_valid_entries(child: FakeChild) -> None:
    message = a_message(child, REVERSED)
    child.bench.store.failing_reads["s3://in/0.wav"] = StoreUnavailable("away")
    child.run(message, FakeTask(retries=MAX_RETRIES))
    (letter,) = child.dead_letters
    assert [entry["index"] for entry in letter.document["files"]] == [0]
    assert sorted(entry[1:3] for entry in child.ledger) == [(0, "failed"), (5, "failed")]
    assert sorted(failed(child)) == [("0.wav", "failed"), ("r.wav", "failed")]
    assert ended(child) == [("r.wav", "failed")]
