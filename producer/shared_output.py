"""Warn about unfinished jobs that write to the output of the job that is being enqueued."""

from funasr_fleet.broker.ledger import LedgerReader
from funasr_fleet.producer.errors import JobRefused
from funasr_fleet.producer.planning.request import JobRequest, read_request
from funasr_fleet.storage.base import ObjectDenied, ObjectStore


def warn_of_shared_output(
    ledger: LedgerReader, store: ObjectStore, job: str, request: JobRequest
) -> list[str]:
    """A warning for each other unfinished job with the same output prefix.

    The planner and the workers skip files that have an up-to-date result. A file of two jobs is
    therefore transcribed twice only if both jobs start it before either finishes it, or if the jobs
    have different models or options.

    Raises:
        BrokerUnavailable: Redis is unavailable.
        StoreError: an S3 request failed.
    """
    return [
        _warning(other, _request_of(other, store, request.output), request)
        for other in ledger.open_jobs_of(request.output)
        if other != job
    ]


def _request_of(job: str, store: ObjectStore, output: str) -> JobRequest | None:
    """The request of a job; None if it has no request or this process cannot read it."""
    try:
        return read_request(store, output, job)
    except (ObjectDenied, JobRefused, ValueError, KeyError, TypeError):
        return None


def _warning(other: str, theirs: JobRequest | None, ours: JobRequest) -> str:
    shared = f"job {other} is not finished and writes to the same output"
    if theirs and _wanted(theirs) == _wanted(ours):
        return f"{shared}: files that are in both jobs may be transcribed twice"
    return (
        f"{shared}, with another model or other options: if a file is in both jobs, the job that "
        "finishes it last overwrites its result"
    )


def _wanted(request: JobRequest) -> tuple[object, ...]:
    """What the results of a job depend on, besides the audio."""
    return request.options, request.model
