"""Cancel a job: workers begin no further file of it, its producer publishes no further shard."""

from contract.closing import Closer
from contract.layout import job_uri
from contract.ledger import Ledger, Planner, connect
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectStore
from producer.refusals import NoSuchJob

MARKER = "_CANCELLED"
"""In S3, so that a ledger rebuilt from there knows it too."""


def cancel(job: str, settings: Settings | None = None, store: ObjectStore | None = None) -> bool:
    """Let nobody begin another file of the job; False when it is over already.

    What is in flight is finished. It takes a second, however large the job is: a flag that workers
    look at. Messages that still wait are taken and dropped one after the other.

    Raises:
        NoSuchJob: the ledger does not know it.
        BrokerUnavailable: Redis cannot be reached.
        StoreError: S3 does not take the marker; the job is cancelled all the same.
    """
    settings = settings or Settings.load()
    redis = connect(settings)
    ledger, planner = Ledger(redis, settings.key_prefix), Planner(redis, settings.key_prefix)
    counts = ledger.counts(job)
    if counts is None:
        raise NoSuchJob(f"there is no job {job!r}; `fleet jobs` lists those that there are")
    if counts.complete and not counts.cancelled_at:
        return False
    planner.cancel(job)
    store = store or S3Store()
    if counts.output:  # else Redis does not know where the job's documents are
        store.write(job_uri(counts.output, job, MARKER), b"", "application/octet-stream")
    Closer(ledger, planner, store).close(job)
    return True
