"""Jobs of requeued dead letters: check that a job can be reopened, and reopen its files."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from funasr_fleet.broker.job_finalizer import SUCCESS
from funasr_fleet.broker.ledger import JobWriter, LedgerReader
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.contract.queues import DEFAULT_PRIORITY
from funasr_fleet.producer.errors import CannotRequeue, JobRefused
from funasr_fleet.producer.planning.request import read_request
from funasr_fleet.storage.base import ObjectStore, StoreError, StoreUnavailable


@dataclass(frozen=True, kw_only=True)
class JobInfo:
    """Where and how a job's messages are published; the defaults apply to shards without a job."""

    known: bool = False
    """Whether the ledger has the job; otherwise there is nothing to reopen."""
    queue: str = ""
    """Lane of its messages; empty if unknown."""
    priority: int = DEFAULT_PRIORITY
    """0-9, 9 is served first."""
    refusal: str = ""
    """Why its messages cannot be requeued; empty if they can."""


@dataclass(frozen=True)
class JobCache:
    """The jobs of one requeue call; each is looked up once."""

    ledger: LedgerReader
    writer: JobWriter
    store: ObjectStore
    _seen: dict[tuple[str, str], JobInfo] = field(default_factory=dict)

    def of(self, shard: Shard) -> JobInfo:
        """Look up the shard's job. If the job has failed files, its _SUCCESS marker is deleted.

        Raises:
            CannotRequeue: the job is cancelled, or S3 refuses a request for its output.
            StoreUnavailable: storage cannot be reached.
            BrokerUnavailable: Redis is unavailable.
        """
        if shard.job is None:
            return JobInfo()
        key = (shard.job, shard.output)
        if key not in self._seen:
            self._seen[key] = self._load(shard.job, shard.output)
        seen = self._seen[key]
        if seen.refusal:
            raise CannotRequeue(seen.refusal)
        return seen

    def _load(self, job: str, output: str) -> JobInfo:
        counts = self.ledger.counts(job)
        if counts and counts.cancelled_at:
            return JobInfo(
                refusal=f"job {job} was cancelled, so workers skip its files: drop the dead "
                "letter and enqueue the files as a new job"
            )
        stored = counts.output if counts else ""
        if counts and counts.has_plan and stored and stored != output:
            return JobInfo(
                refusal=f"job {job} has another output, {stored}, so workers would not count the "
                "files: drop the dead letter"
            )
        output = stored or output
        try:
            request = read_request(self.store, output, job)
            if counts and counts.outcomes["failed"]:
                # readers of the marker must not find it before the job has ended again
                self.store.delete(job_uri(output, job, SUCCESS))
        except StoreUnavailable:
            raise  # the others would fail too, each after retries
        except (StoreError, JobRefused) as error:
            return JobInfo(refusal=f"job {job} cannot be reopened: {error}")
        return JobInfo(
            known=counts is not None,
            queue=counts.queue if counts else "",
            priority=request.priority if request else DEFAULT_PRIORITY,
        )

    def reopen(self, job: str, indexes: Sequence[int]) -> list[int]:
        """Reopen the failed files among these; files with a result keep it. Redis has the job.

        Returns:
            Indexes of reopened files that are in no message yet; pass them to
            JobWriter.published_again after publishing.
        """
        failed = self.ledger.among(job, "failed", indexes)
        # an earlier call may have been killed between reopening and publishing
        before = self.ledger.among(job, "reopened", indexes)
        if failed:
            self.writer.reopen(job, failed)
        return [*failed, *before]
