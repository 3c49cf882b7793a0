"""`fleet status` shows the number of dead letters of a job, whose files may be waiting."""

import uuid
from typing import Any

from funasr_fleet import drop_dead, list_dead, status
from funasr_fleet.broker.dead_letters import DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.cli.status_view import line
from funasr_fleet.settings import Settings


def dead_letter(message_id: str, document: Any) -> DeadLetter:
    at = "2026-11-22T12:00:00Z"
    return DeadLetter(message_id=message_id, document=document, reason="why", worker="w", at=at)


def test_status_counts_the_dead_letters_of_a_job_until_they_are_gone(
    separate_fleet: Settings, output: str
) -> None:
    settings, job = separate_fleet, "night"
    redis = connect(settings)
    JobWriter(redis, settings.key_prefix).begin(job, output, queue=settings.queue)
    dead_letters = DeadLetters(redis, settings.key_prefix)
    unreadable = {"body": "x", "bytes": 1}
    dead_letters.put(dead_letter(f"{job}-00000-0000", unreadable))  # only its id names the job
    dead_letters.put(dead_letter(f"{job}-again-0123abcd-000001.2", unreadable))
    dead_letters.put(dead_letter("named", {"job": job, "body": "x"}))
    dead_letters.put(dead_letter("other", {"job": f"{job}-2"}))
    dead_letters.put(dead_letter(str(uuid.uuid4()), unreadable))
    now = status(job, settings)
    assert (now.dead_letters, now.to_json()["dead_letters"]) == (3, 3)
    assert list_dead(job, settings=settings).total == 3
    assert "3 dead letters" in line(now)
    drop_dead(ids=["named"], settings=settings)
    assert status(job, settings).dead_letters == 2
    dead_letters.remove(dead_letters.take([f"{job}-00000-0000"]))
    assert status(job, settings).dead_letters == 1
    dead_letters.put(dead_letter(f"{job}-again-0123abcd-000001.2", {"job": "another"}))
    dead_letters.put(dead_letter("mine", {"job": job}))
    assert status(job, settings).dead_letters == 1
    dead_letters.put(dead_letter("mine", unreadable))  # replaced by a dead letter without a job
    assert status(job, settings).dead_letters == 0
