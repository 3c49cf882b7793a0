"""The ledger in a real Valkey: the same file twice changes no sum."""

import uuid

import pytest

from contract.dead_letters import DeadLetter, DeadLetters
from contract.fleet_state import FleetState
from contract.ledger import Ledger, connect
from contract.queues import BrokerUnavailable
from contract.settings import Settings
from contract.transcript import Outcome
from local.process import free_port


@pytest.fixture
def job(ledger: Ledger) -> str:
    name = f"job-{uuid.uuid4()}"
    ledger.begin(name, "s3://transcripts/x/")
    ledger.add_files(name, 3)
    return name


def outcomes(ledger: Ledger, job: str) -> dict[Outcome, int]:
    counts = ledger.counts(job)
    assert counts
    return {outcome: count for outcome, count in counts.outcomes.items() if count}


def test_a_file_delivered_twice_is_counted_once(ledger: Ledger, job: str) -> None:
    for _ in range(2):
        ledger.record(job, 1, "ok", 5000)
    counts = ledger.counts(job)
    assert counts
    assert (counts.finished, counts.audio_ms) == (1, 5000)


def test_a_retry_that_succeeds_replaces_the_failure(ledger: Ledger, job: str) -> None:
    ledger.record(job, 1, "failed", 0)
    ledger.record(job, 1, "ok", 0)
    assert outcomes(ledger, job) == {"ok": 1}


def test_finding_a_result_there_does_not_replace_the_work_that_made_it(
    ledger: Ledger, job: str
) -> None:
    ledger.record(job, 1, "empty", 5000)
    ledger.record(job, 1, "skipped", 0)
    ledger.record(job, 2, "skipped", 0)
    assert outcomes(ledger, job) == {"empty": 1, "skipped": 1}


def test_work_that_was_given_up_but_had_succeeded_is_no_failure(ledger: Ledger, job: str) -> None:
    ledger.record(job, 1, "failed", 0, only_first=True)
    ledger.record(job, 1, "skipped", 0)
    ledger.record(job, 2, "ok", 10)
    ledger.record(job, 2, "failed", 0, only_first=True)
    assert outcomes(ledger, job) == {"skipped": 1, "ok": 1}


def test_a_job_is_complete_when_all_is_published_and_has_an_outcome(
    ledger: Ledger, job: str
) -> None:
    for index in range(3):
        ledger.record(job, index, "ok", 10)
    before = ledger.counts(job)
    ledger.end_publishing(job)
    after = ledger.counts(job)
    assert before
    assert not before.complete
    assert after
    assert after.complete
    assert job in ledger.jobs()


def test_ten_million_files_take_a_few_megabytes(settings: Settings, ledger: Ledger) -> None:
    job = f"job-{uuid.uuid4()}"
    redis = connect(settings)
    before = redis.info("memory")["used_memory"]
    ledger.begin(job, "s3://transcripts/x/")
    ledger.record(job, 9_999_999, "ok", 10)
    assert redis.info("memory")["used_memory"] - before < 8 << 20


def test_an_unknown_job_has_no_counts(ledger: Ledger) -> None:
    assert ledger.counts("never-seen") is None


def test_dead_letters_keep_document_and_reason(settings: Settings) -> None:
    letters = DeadLetters(connect(settings), "test:")
    letter = DeadLetter(message_id="m", reason="why", document={"a": [1]}, worker="w", at="now")
    letters.put(letter)
    letters.put(letter)
    assert letters.all() == [letter]


def test_workers_announce_their_model(settings: Settings) -> None:
    state = FleetState(connect(settings), "test:")
    assert state.revision_of("never-loaded") is None
    state.announce("demo", "sha256:1")
    assert state.revision_of("demo") == "sha256:1"


def test_no_redis_is_one_clear_error(settings: Settings) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    ledger = Ledger(connect(settings.model_copy(update={"broker_url": url})))
    with pytest.raises(BrokerUnavailable, match="cannot be reached") as error:
        ledger.check()
    assert "secret" not in str(error.value)
