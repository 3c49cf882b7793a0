"""Gather references, decide which are to be done, publish them as shards."""

import contextlib
import itertools
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from contract.fleet_state import FleetState
from contract.job import AudioRef, Options, Shard
from contract.ledger import Ledger, connect
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectDenied, ObjectStore
from producer.naming import tell_apart
from producer.packing import ShardLimits, make_shards, number, pack
from producer.publish import publish
from producer.skipping import DoneCheck
from producer.sources import open_source
from producer.sources.interface import BadRow

JOB_NAME = re.compile(r"[A-Za-z0-9._-]{1,150}")


class JobRefused(Exception):
    """The job's name cannot be used: choose another."""


@dataclass(kw_only=True)
class EnqueueResult:
    """What became of a backlog."""

    job: str
    output: str
    files: int = 0
    """Files found, without bad rows."""
    skipped: int = 0
    """Files that have a current result already, or are known to be no audio."""
    enqueued: int = 0
    shards: int = 0
    bad_rows: list[str] = field(default_factory=list)


def enqueue(  # noqa: PLR0913 - the keywords of a public call
    sources: Sequence[str],
    *,
    output: str,
    options: Options | None = None,
    job: str | None = None,
    upload: str | None = None,
    priority: int = 4,
    overwrite: bool = False,
    limits: ShardLimits | None = None,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> EnqueueResult:
    """Publish every file of the sources that has no current result.

    Args:
        sources: s3://bucket/prefix/, manifests (.jsonl), local folders.
        output: s3://bucket/prefix/ for the results.
        options: how to transcribe; the defaults of Options.
        job: name of the new job; made from the time by default.
        upload: where local folders are uploaded to.
        priority: 0-9, 9 first.
        overwrite: transcribe even what has a current result.
        limits: size of a shard.
        settings: by default read from the environment.
        store: by default S3.

    Raises:
        BadSource: a source cannot be read.
        JobRefused: there is a job of that name, or it is no name.
        StoreError: S3 fails; what is published stays published.
        BrokerUnavailable: Redis fails; likewise.
    """
    settings = settings or Settings.load()
    store = store or S3Store()
    with contextlib.suppress(ObjectDenied):  # allowed to write is enough
        next(iter(store.list(output)), None)  # a bucket that is missing is told before work starts
    result = EnqueueResult(job=job or new_job_name(), output=output)
    redis = connect(settings)
    ledger = Ledger(redis, settings.key_prefix)
    revision = FleetState(redis, settings.key_prefix).revision_of(settings.model)
    check = DoneCheck(
        store=store, output=output, options=options or Options(), model_revision=revision
    )
    found = itertools.chain.from_iterable(open_source(s, store, upload) for s in sources)
    if not JOB_NAME.fullmatch(result.job):
        raise JobRefused(f"{result.job!r} is no name of a job: letters, digits, . _ - only")
    if not ledger.begin(result.job, output):
        raise JobRefused(f"there is a job {result.job} already: choose another name")
    numbered = number(_keep_good(tell_apart(found), result))
    wanted = _leave_out_done(numbered, None if overwrite else check, ledger, result)
    groups = pack(wanted, limits or ShardLimits())
    shards = make_shards(groups, result.job, output, check.options, overwrite=overwrite)
    for shard in publish(_counted(shards, ledger, result.job), settings, priority):
        result.shards += 1
        result.enqueued += len(shard.files)
    ledger.end_publishing(result.job)
    return result


def new_job_name() -> str:
    """job-<time>-<random>: two jobs begun in the same second are two jobs."""
    return f"{time.strftime('job-%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def _keep_good(found: Iterable[AudioRef | BadRow], result: EnqueueResult) -> Iterator[AudioRef]:
    for item in found:
        if isinstance(item, BadRow):
            result.bad_rows.append(str(item))
        else:
            result.files += 1
            yield item


def _counted(shards: Iterable[Shard], ledger: Ledger, job: str) -> Iterator[Shard]:
    """Count files before they can be done, so that no progress bar passes 100 %."""
    for shard in shards:
        ledger.add_files(job, len(shard.files))
        yield shard


def _leave_out_done(
    refs: Iterable[AudioRef], check: DoneCheck | None, ledger: Ledger, result: EnqueueResult
) -> Iterator[AudioRef]:
    """Pass on what is to be done; what is done already counts as skipped."""
    if check is None:
        yield from refs
        return
    for ref, done in check.mark(refs):
        if not done:
            yield ref
            continue
        result.skipped += 1
        ledger.add_files(result.job, 1)
        ledger.record(result.job, ref.index or 0, "skipped", 0)
