"""A shard with an invalid entry: that file fails, and the others are transcribed."""

from typing import Any

import pytest

from funasr_fleet.contract.layout import shard_record_uri
from funasr_fleet.contract.shard_record import decode
from funasr_fleet.storage.base import ObjectDenied, StoreUnavailable
from funasr_fleet.worker.coordination.attempts import Attempt
from funasr_fleet.worker.error_handling import MAX_RETRIES
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_child import FakeChild, FakeTask


@pytest.fixture
def child() -> FakeChild:
    return FakeChild()


def a_message(child: FakeChild, *invalid: Any, good: int = 1) -> dict[str, Any]:
    """A message of good files with the indexes 0, 1, ..., then the invalid entries."""
    uris = [child.bench.upload(f"{number}.wav") for number in range(good)]
    message = a_shard(*uris).to_message() if uris else a_shard("s3://in/0.wav").to_message()
    return {**message, "files": [*message["files"][:good], *invalid]}


REVERSED = {"index": 5, "audio": "s3://in/r.wav", "start_ms": 9000, "end_ms": 100}
OUTSIDE = {"index": 6, "audio": "s3://in/o.wav", "relative": "../x"}
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
    assert sorted(child.bench.outcomes) == ["failed", "failed", "ok"]
    assert (child.dead_letters, child.in_flight, child.closed) == ([], {}, ["night"])


def test_an_entry_without_a_valid_output_is_a_dead_letter_of_its_own(child: FakeChild) -> None:
    child.run(a_message(child, OUTSIDE))
    assert sorted(child.ledger) == [("night", 0, "ok", 1000), ("night", 6, "failed", 0)]
    (letter,) = child.dead_letters
    assert letter.message_id == "message-1.files.1"
    assert letter.reason.startswith("entry 1 of shard night-000000: invalid entry: relative: ")
    assert letter.document["files"] == [OUTSIDE]
    rows = decode(child.bench.store.read(shard_record_uri(OUTPUT, "night", "night-000000")))
    assert {row.relative: row.outcome for row in rows} == {"0.wav": "ok", "../x": "failed"}
    assert not [name for name in child.bench.outputs() if "x" in name.split(".")[0]]


def test_a_redelivery_counts_an_invalid_entry_once(child: FakeChild) -> None:
    message = a_message(child, OUTSIDE, REVERSED)
    child.run(message)
    child.run(message)
    outcomes = {entry[1]: entry[2] for entry in child.ledger}
    assert outcomes == {0: "ok", 5: "failed", 6: "failed"}
    assert {letter.message_id for letter in child.dead_letters} == {"message-1.files.1"}


def test_a_shard_of_invalid_entries_ends(child: FakeChild) -> None:
    child.run(a_message(child, OUTSIDE, REVERSED, 7, good=0))
    assert sorted(entry[1:3] for entry in child.ledger) == [(5, "failed"), (6, "failed")]
    assert [letter.message_id[-1] for letter in child.dead_letters] == ["0", "2"]
    assert (child.in_flight, child.closed, len(child.ended)) == ({}, ["night"], 1)


def test_a_shard_that_crashed_is_split_into_its_valid_entries(child: FakeChild) -> None:
    message = a_message(child, REVERSED, good=2)
    child.attempt = Attempt(attempt_id="x", number=2, deaths=1, last_death="")
    task = FakeTask()
    child.run(message, task)
    assert [part["files"][0]["index"] for part in task.shards_sent] == [0, 1]
    assert child.ledger == [("night", 5, "failed", 0)]


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
    assert (child.ledger, child.dead_letters) == ([], [])


def test_a_dead_letter_of_the_shard_has_only_its_valid_entries(child: FakeChild) -> None:
    message = a_message(child, REVERSED)
    child.bench.store.failing_reads["s3://in/0.wav"] = StoreUnavailable("away")
    child.run(message, FakeTask(retries=MAX_RETRIES))
    (letter,) = child.dead_letters
    assert [entry["index"] for entry in letter.document["files"]] == [0]
    assert sorted(entry[1:3] for entry in child.ledger) == [(0, "failed"), (5, "failed")]
