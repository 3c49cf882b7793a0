"""Storage refuses the outputs of some files: these fail. It refuses all: the shard is given up."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from funasr_fleet.storage.base import BucketMissing, BucketNotAllowed, ObjectDenied, StoreError
from funasr_fleet.worker.events import FileFinished
from tests.support.audio import tone
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_child import FakeChild

REFUSED = "cannot write results: name too long"


@pytest.fixture
def child() -> FakeChild:
    return FakeChild()


def a_message(child: FakeChild, files: int, **fields: Any) -> dict[str, Any]:
    """The message of a shard; its files are started in this order."""
    uris = [child.bench.upload(f"{number}.wav") for number in range(files)]
    return a_shard(*uris, **fields).to_message()


def refuse(child: FakeChild, numbers: Iterable[int], *, report: bool = True) -> None:
    """Let storage refuse the results of these files, and their error reports."""
    for number in numbers:
        for extension in ("json", "error.json")[: 1 + report]:
            uri = f"{OUTPUT}{number}.wav.{extension}"
            child.bench.store.failing_writes[uri] = ObjectDenied("name too long")


def refuse_all(child: FakeChild, files: int) -> None:
    """Let storage refuse every object below the output prefix."""
    refuse(child, range(files))
    uri = f"{OUTPUT}~funasr-fleet-write-test"
    child.bench.store.failing_writes[uri] = ObjectDenied("access denied")


def outcomes(child: FakeChild) -> dict[int, str]:
    """The outcome of each file in the ledger, which has each of them once."""
    assert len({entry[1] for entry in child.ledger}) == len(child.ledger)
    return {index: outcome for _, index, outcome, _ in child.ledger}


@pytest.mark.parametrize("bad", [{0}, {149}, {3, 4}, set(range(100, 140))])
def test_only_the_files_whose_names_are_refused_fail(child: FakeChild, bad: set[int]) -> None:
    message = a_message(child, 150)
    refuse(child, bad)
    child.run(message)
    assert {index for index, outcome in outcomes(child).items() if outcome != "ok"} == bad
    assert len(child.ledger) == 150
    failed = [one for one in child.bench.events if isinstance(one, FileFinished) and one.error]
    assert {(one.error_kind, one.error) for one in failed} == {("access_denied", REFUSED)}
    assert len(failed) == len(bad)
    assert (child.dead_letters, child.closed) == ([], ["night"])


def test_a_refused_result_has_an_error_report_where_that_is_accepted(child: FakeChild) -> None:
    message = a_message(child, 9)
    refuse(child, range(9), report=False)
    child.run(message)
    assert Counter(outcomes(child).values()) == {"failed": 9}
    error = child.bench.document("8.wav.error.json")["error"]
    assert (error["kind"], error["message"]) == ("access_denied", REFUSED)
    assert child.dead_letters == []


def test_a_bad_file_whose_report_is_refused_keeps_its_reason(child: FakeChild) -> None:
    message = a_message(child, 2)
    child.bench.upload_bytes("0.wav", b"no audio" * 100)
    refuse(child, [0])
    child.run(message)
    failed = [one for one in child.bench.events if isinstance(one, FileFinished) and one.error]
    assert [one.error_kind for one in failed] == ["undecodable_audio"]
    assert (outcomes(child), child.dead_letters) == ({0: "failed", 1: "ok"}, [])


@pytest.mark.parametrize("job", ["night", None])
def test_refused_names_of_the_first_files_leave_the_others(
    child: FakeChild, job: str | None
) -> None:
    message = a_message(child, 30, job=job)
    for number in range(6):
        child.bench.upload_bytes(f"{number}.wav", b"no audio")
    refuse(child, range(6))
    child.run(message)
    assert Counter(child.bench.outcomes) == {"failed": 6, "ok": 24}
    assert (outcomes(child) != {}, child.dead_letters) == (job is not None, [])
    assert not [name for name in child.bench.outputs() if "write-test" in name]


def test_a_refused_name_beside_results_of_another_job_fails_alone(child: FakeChild) -> None:
    uris = [child.bench.upload(f"{number}.wav") for number in range(9)]
    child.run(a_shard(*uris[1:], job="first").to_message())
    child.ledger.clear()
    refuse(child, [0])
    child.run(a_shard(*uris).to_message())
    assert Counter(outcomes(child).values()) == {"failed": 1, "skipped": 8}
    assert (child.dead_letters, child.closed) == ([], ["first", "night"])


@pytest.mark.parametrize("job", ["night", None])
@pytest.mark.parametrize("files", [1, 4, 5, 150])
def test_a_shard_whose_outputs_are_all_refused_is_a_dead_letter(
    child: FakeChild, files: int, job: str | None
) -> None:
    child.bench.speed.add(speech_s=1.0, work_s=20.0)  # slow: each file is a group
    message = a_message(child, files, job=job)
    refuse_all(child, files)
    child.run(message)
    assert [letter.reason for letter in child.dead_letters] == [REFUSED]
    assert len(child.bench.engine.lengths_ms) < 100, "the rest is not tried"
    assert Counter(outcomes(child).values()) == ({"failed": files} if job else {})
    assert child.bench.outcomes == ["failed"] * files


@pytest.mark.parametrize("error", [BucketMissing("gone"), BucketNotAllowed("not allowed")])
def test_a_bucket_that_cannot_be_used_is_a_dead_letter_at_once(
    child: FakeChild, error: StoreError
) -> None:
    message = a_message(child, 30)
    child.bench.store.failing_writes[f"{OUTPUT}0.wav.json"] = error
    child.run(message)
    assert [letter.reason for letter in child.dead_letters] == [f"cannot write results: {error}"]


def test_a_redelivery_to_files_that_are_done_is_not_a_dead_letter(child: FakeChild) -> None:
    message = a_message(child, 9)
    refuse(child, range(7))
    child.bench.upload("8.wav", tone(0.5))
    message["files"].insert(0, message["files"].pop())
    for _ in range(2):
        child.ledger.clear()
        child.run(message)
        assert Counter(outcomes(child).values()) == {"failed": 7, "ok": 2}
    assert child.dead_letters == []
