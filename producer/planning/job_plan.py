"""The plan of a job, window by window: what earlier runs have planned, then what is new."""

from collections.abc import Iterator
from dataclasses import dataclass

from contract.ledger import Planner
from contract.store import ObjectStore
from producer.planning.parts import Part, read_parts, write_part
from producer.planning.request import JobRequest


@dataclass(kw_only=True)
class JobPlan:
    """Gives out the parts of a job, each kept in S3 and counted before it is published."""

    store: ObjectStore
    planner: Planner
    job: str
    request: JobRequest
    fresh: Iterator[Part]
    """What earlier runs have not planned."""
    windows: int = 0
    """Planned so far."""

    def parts(self, first: int) -> Iterator[Part]:
        """Every part from this window on.

        Raises:
            BadSource: a source cannot be read.
            StoreError: S3 fails.
            BrokerUnavailable: Redis fails.
        """
        self.windows = first
        for part in read_parts(self.store, self.request.output, self.job, first):
            yield self._counted(part)
        for part in self.fresh:
            write_part(self.store, self.request.output, self.job, part)
            yield self._counted(part)

    def _counted(self, part: Part) -> Part:
        self.planner.plan(self.job, part.number, len(part.files), part.estimated_ms, part.done)
        self.windows = part.number + 1
        return part
