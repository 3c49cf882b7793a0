"""Jobs as the ledger counts them, for tests of what is made of the counts."""

from dataclasses import replace
from typing import Any

from funasr_fleet.broker.ledger.values import OUTCOMES, JobCounts, Minute
from funasr_fleet.contract.transcript import Outcome
from funasr_fleet.producer.jobs.status import JobStatus
from funasr_fleet.producer.progress.measuring import measure

BEGUN = 1_795_000_020.0
"""Seconds since the epoch; a whole minute."""
FIRST_MINUTE = int(BEGUN // 60)


def counted(outcomes: dict[Outcome, int] | None = None, **fields: Any) -> JobCounts:
    """A published job that has as many files as outcomes, unless told otherwise."""
    every: dict[Outcome, int] = {**dict.fromkeys(OUTCOMES, 0), **(outcomes or {})}
    base = JobCounts(
        job="night",
        output="s3://out/",
        created_at=BEGUN,
        published=True,
        files=sum(every.values()),
        audio_ms=0,
        outcomes=every,
    )
    return replace(base, **fields)


def steady(minutes: int, files: int, audio_ms: int) -> list[Minute]:
    """The same in each of so many minutes from the job's beginning."""
    return [
        Minute(minute=FIRST_MINUTE + passed, files=files, audio_ms=audio_ms)
        for passed in range(minutes)
    ]


def status_of(counts: JobCounts, minutes: list[Minute] | None = None, **more: Any) -> JobStatus:
    """The job's status ten minutes after it began."""
    now = more.pop("now", BEGUN + 600)
    workers = more.pop("workers", [])
    return JobStatus(
        counts=counts,
        progress=measure(counts, minutes or [], workers, now, **more),
        ready_messages=2,
        unacked_messages=1,
    )
