"""Gather references, decide which are to be done, plan them in S3, publish them as shards."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TypedDict, Unpack

from contract.job import Options
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectStore
from producer.enqueuing import Enqueuing
from producer.planning.packing import ShardLimits
from producer.planning.request import JobRequest
from producer.result import EnqueueResult, Progress

MAX_READY = 500_000
"""Messages that may wait in a job's queue: some 25 million files, and under 2 GB of Redis."""


class Wanted(TypedDict, total=False):
    """What else may be asked for."""

    options: Options
    """How to transcribe."""
    upload: str | None
    """s3://bucket/prefix/ that local folders are uploaded to."""
    priority: int
    """0-9, 9 first; 4 by default."""
    overwrite: bool
    """Transcribe even what has a current result."""
    limits: ShardLimits
    """Size of a shard."""
    since: float | None
    """Only objects written at this time or later; seconds since the epoch."""
    limit: int | None
    """So many files at most."""
    suffixes: tuple[str, ...]
    """What counts as audio when a prefix or a folder is listed."""
    model: str | None
    """The model that is to do it: the job goes to the queue of the workers that hold it."""


def enqueue(  # noqa: PLR0913 - the keywords of a public call
    sources: Sequence[str],
    *,
    output: str,
    job: str | None = None,
    strict: bool = False,
    max_ready: int = MAX_READY,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
    progress: Progress = lambda result, waiting: None,
    warn: Callable[[str], None] = lambda warning: None,
    **wanted: Unpack[Wanted],
) -> EnqueueResult:
    """Publish every file of the sources that has no current result.

    The same call with the same job, after this process was killed, goes on where it was.

    Args:
        sources: s3://bucket/prefix/, manifests, local folders, - for standard input.
        output: s3://bucket/prefix/ for the results.
        job: name of the job; made from the time by default.
        strict: let the first bad row end it.
        max_ready: messages that may wait in the queue; above it nothing is sent until half of
            them are gone.
        settings: by default read from the environment.
        store: by default S3.
        progress: told how far it has come, now and then.
        warn: told each of the result's warnings before the first message goes out.
        wanted: see Wanted.

    Raises:
        BadSource: a source cannot be read, or has a bad row and `strict` is set.
        BadConfiguration: the output is not a prefix.
        JobRefused: there is another job of that name, or that is not a job name.
        OptionsRefused: the model that would do it cannot serve its options.
        AnotherProducer: somebody else is publishing the job.
        StoreError: S3 fails; call it again to go on.
        BrokerUnavailable: Redis fails; likewise.
    """
    enqueuing = Enqueuing(
        request=JobRequest(sources=tuple(sources), output=output, **wanted),
        settings=settings or Settings.load(),
        store=store or S3Store(),
        result=EnqueueResult(job=job or new_job_name(), output=output),
        strict=strict,
        max_ready=max_ready,
        progress=progress,
        warn=warn,
    )
    return enqueuing.to_the_end()


def new_job_name() -> str:
    """job-<time>-<random>: two jobs begun in the same second are two jobs."""
    return f"{time.strftime('job-%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
