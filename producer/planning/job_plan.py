"""The plan of a job, window by window: first the parts of earlier runs, then new parts."""

from collections.abc import Iterator
from dataclasses import dataclass

from funasr_fleet.broker.ledger import JobWriter
from funasr_fleet.producer.planning.parts import Part, read_parts, write_part
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.storage.base import ObjectStore


@dataclass(kw_only=True)
class JobPlan:
    """Yields the parts of a job, each saved in S3 and counted in Redis before publication."""

    store: ObjectStore
    writer: JobWriter
    job: str
    request: JobRequest
    new_parts: Iterator[Part]
    """Parts that earlier runs have not planned."""
    windows: int = 0
    """Number of windows planned so far."""

    def parts(self, first: int) -> Iterator[Part]:
        """Every part, starting with this window.

        Raises:
            BadSource: a source cannot be read.
            StoreError: an S3 request failed.
            BrokerUnavailable: Redis is unavailable.
        """
        self.windows = first
        for part in read_parts(self.store, self.request.output, self.job, first):
            yield self._counted(part)
        for part in self.new_parts:
            write_part(self.store, self.request.output, self.job, part)
            yield self._counted(part)

    def _counted(self, part: Part) -> Part:
        self.writer.plan(self.job, part.number, len(part.files), part.estimated_ms, part.done)
        self.windows = part.number + 1
        return part
