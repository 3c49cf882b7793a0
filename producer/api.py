"""`enqueue`: collect references, skip up-to-date files, save the plan in S3, publish shards."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TypedDict, Unpack

from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.contract.job import Options
from funasr_fleet.producer.arguments import as_sources, check_number
from funasr_fleet.producer.enqueue_job import EnqueueRun
from funasr_fleet.producer.estimate.cost import DryRun
from funasr_fleet.producer.estimate.estimate import estimate_sources
from funasr_fleet.producer.job_checks import JobChecks
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.producer.result import EnqueueResult, ProgressCallback
from funasr_fleet.producer.shared_output import warn_of_shared_output
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.s3 import S3Store

MAX_READY = 500_000
"""Default maximum number of ready messages: about 25 million files, under 2 GB of Redis."""


class EnqueueOptions(TypedDict, total=False):
    """Optional keyword arguments of `enqueue`."""

    options: Options
    """Transcription options."""
    upload: str | None
    """s3://bucket/prefix/ that local folders are uploaded to."""
    priority: int
    """0-9, 9 is served first; default 4."""
    overwrite: bool
    """Transcribe files even if they have an up-to-date result."""
    limits: ShardLimits
    """Maximum size of a shard."""
    since: float | None
    """Only objects modified at or after this time, in seconds since the epoch."""
    limit: int | None
    """Maximum number of files."""
    suffixes: tuple[str, ...]
    """File name suffixes that count as audio when a prefix or a folder is listed."""
    model: str | None
    """Model of the job. The job is sent to the queue of the workers that serve this model."""


def enqueue(  # noqa: PLR0913 - the keywords of a public call
    sources: Sequence[str],
    *,
    output: str,
    job: str | None = None,
    strict: bool = False,
    max_ready: int = MAX_READY,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
    progress: ProgressCallback = lambda result, waiting: None,
    warn: Callable[[str], None] = lambda warning: None,
    **wanted: Unpack[EnqueueOptions],
) -> EnqueueResult:
    """Publish every file of the sources that has no up-to-date result.

    If the process is killed, the same call with the same job name resumes the job.

    Args:
        sources: s3://bucket/prefix/, manifests, local folders, or - for standard input.
        output: s3://bucket/prefix/ for the results.
        job: name of the job; default: generated from the current time.
        strict: stop at the first invalid row.
        max_ready: maximum number of ready messages in the queue. When it is reached, publishing
            pauses until half of them are consumed.
        settings: read from the environment by default.
        store: S3 by default.
        progress: called from time to time with the result so far.
        warn: called with each warning of the result before the first message is published.
        wanted: see EnqueueOptions.

    Raises:
        BadArgument: an argument is invalid, for example a priority above 9.
        BadSource: a source cannot be read, or it has an invalid row and `strict` is set.
        JobRefused: the job name cannot be used; the message says why.
        OptionsRefused: the job's model does not support its options.
        AnotherProducer: another process is publishing the job.
        JobLost: Redis lost data of the job meanwhile: reconcile it.
        StoreError: an S3 request failed; call again to resume.
        BrokerUnavailable: Redis is unavailable; call again to resume.
    """
    check_number("max_ready", max_ready, 1, whole=True)
    run = EnqueueRun(
        request=JobRequest(sources=as_sources(sources), output=output, **wanted),
        settings=settings or Settings.load(),
        store=store or S3Store(),
        result=EnqueueResult(job=job or new_job_name(), output=output),
        strict=strict,
        max_ready=max_ready,
        progress=progress,
        warn=warn,
    )
    return run.run()


def estimate(  # noqa: PLR0913 - the keywords of a public call
    sources: Sequence[str],
    *,
    output: str,
    job: str | None = None,
    strict: bool = False,
    gpus: int = 1,
    rtfx: float | None = None,
    gpu_hour_price: float | None = None,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
    warn: Callable[[str], None] = lambda warning: None,
    **wanted: Unpack[EnqueueOptions],
) -> DryRun:
    """Make the checks of `enqueue` for the same arguments, and estimate audio, time and cost.

    Nothing is written and nothing is published. Files with an up-to-date result are included.

    Args:
        sources: as for `enqueue`.
        output: as for `enqueue`.
        job: as for `enqueue`.
        strict: as for `enqueue`.
        gpus: number of GPUs.
        rtfx: audio seconds per second of one GPU; default: as measured by the workers.
        gpu_hour_price: price of one GPU hour, in any currency.
        settings: read from the environment by default.
        store: S3 by default.
        warn: called with each warning that `enqueue` would emit; not called if no file is found.
        wanted: see EnqueueOptions.

    Raises the errors of `enqueue`.
    """
    request = JobRequest(sources=as_sources(sources), output=output, **wanted)
    job = job or new_job_name()
    settings, store = settings or Settings.load(), store or S3Store()
    redis = connect(settings)
    ledger = LedgerReader(redis, settings.key_prefix)
    checks = JobChecks(request=request, job=job, settings=settings, store=store, redis=redis)
    route = checks.check_all()
    found = estimate_sources(
        request,
        store,
        strict=strict,
        workers=ledger.workers(),
        gpus=gpus,
        rtfx=rtfx,
        gpu_hour_price=gpu_hour_price,
    )
    if found.files:
        shared = warn_of_shared_output(ledger, store, job, request)
        for warning in (*route.warnings, *shared):
            warn(warning)
    return found


def new_job_name() -> str:
    """job-<time>-<random>; the random part separates jobs started in the same second."""
    return f"{time.strftime('job-%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
