"""Cancel a job: workers start no further batch, and the producer publishes no further shard."""

from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, connect
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.jobs.status import counts_of
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore
from funasr_fleet.storage.s3 import S3Store

MARKER = "_CANCELLED"
"""Marker object in S3, so that a ledger rebuilt from S3 is cancelled too."""


def cancel(job: str, settings: Settings | None = None, store: ObjectStore | None = None) -> bool:
    """Cancel a job: the batch in progress finishes, and no other file is transcribed.

    Cancelling sets a flag that workers check, so it takes about a second for a job of any size.
    Ready messages are consumed and dropped one by one.

    Returns:
        False if every file has an outcome already, else True.

    Raises:
        NoSuchJob: the ledger has no such job.
        BrokerUnavailable: Redis is unavailable.
        StoreError: the marker could not be written to S3; the job is cancelled nevertheless.
    """
    settings = settings or Settings.load()
    redis, prefix = connect(settings), settings.key_prefix
    ledger, writer = LedgerReader(redis, prefix), JobWriter(redis, prefix)
    counts = counts_of(ledger, job)
    if counts.ready_to_close and not counts.cancelled_at:
        return False
    writer.cancel(job)
    store = store or S3Store()
    if counts.output:  # unknown if Redis lost the job's fields
        store.write(job_uri(counts.output, job, MARKER), b"", "application/octet-stream")
    JobFinalizer(ledger, writer, store).close(job)
    return True
