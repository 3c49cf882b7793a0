"""Jobs whose dead letters are requeued: whether they may go on, and their files wait again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contract.closing import SUCCESS
from contract.job import Shard
from contract.layout import job_uri
from contract.ledger import Ledger, Planner
from contract.queues import DEFAULT_PRIORITY
from contract.store import BucketMissing, ObjectDenied, ObjectStore
from producer.planning.request import read_request
from producer.refusals import CannotRequeue


@dataclass(frozen=True, kw_only=True)
class JobSeen:
    """What the messages of a job need; the defaults are those of a shard without one."""

    known: bool = False
    """Whether Redis knows it; else there is nothing to open."""
    queue: str = ""
    """Where its messages wait, if that is known."""
    priority: int = DEFAULT_PRIORITY
    """0-9, 9 first."""
    refusal: str = ""
    """Why none of them can go out; empty when they can."""


@dataclass(frozen=True)
class JobsSeen:
    """The jobs that one call has to do with, each looked at once."""

    ledger: Ledger
    planner: Planner
    store: ObjectStore
    _seen: dict[str, JobSeen] = field(default_factory=dict)

    def of(self, shard: Shard) -> JobSeen:
        """The shard's job.

        Raises:
            CannotRequeue: it is cancelled, or its output is out of reach.
            BrokerUnavailable: Redis fails.
            StoreError: S3 fails.
        """
        if shard.job is None:
            return JobSeen()
        if shard.job not in self._seen:
            self._seen[shard.job] = self._look(shard.job, shard.output)
        seen = self._seen[shard.job]
        if seen.refusal:
            raise CannotRequeue(seen.refusal)
        return seen

    def _look(self, job: str, output: str) -> JobSeen:
        counts = self.ledger.counts(job)
        if counts and counts.cancelled_at:
            return JobSeen(
                refusal=f"job {job} was cancelled, no worker begins its files: drop the letter, "
                "and enqueue them as a new job"
            )
        output = counts.output if counts and counts.output else output
        try:
            request = read_request(self.store, output, job)
            if counts and counts.outcomes["failed"]:
                # whoever waits for the mark must not find it before the job ends anew
                self.store.delete(job_uri(output, job, SUCCESS))
        except (ObjectDenied, BucketMissing) as error:
            return JobSeen(refusal=f"job {job} cannot be opened again: {error}")
        return JobSeen(
            known=counts is not None,
            queue=counts.queue if counts else "",
            priority=request.priority if request else DEFAULT_PRIORITY,
        )

    def reopen(self, job: str, indexes: Sequence[int]) -> list[int]:
        """Files that failed wait again, and the job goes on; what has its result keeps it.

        Returns:
            Files that are known to be in no message; to be told when they are.
        """
        if not self._seen[job].known:
            return []
        failed = self.ledger.among(job, "failed", indexes)
        # an earlier call may have been killed before it published what it had reopened
        before = self.ledger.among(job, "reopened", indexes)
        if failed:
            self.planner.reopen(job, failed)
        return [*failed, *before]
