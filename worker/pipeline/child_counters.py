"""What one child has done since it started, as it reports it to the ledger."""

import time
from dataclasses import dataclass

from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.contract.job import Shard


@dataclass
class ChildCounters:
    """Totals of one child since it started."""

    worker: str
    slot: int
    files: int = 0
    audio_ms: int = 0
    work_ms: int = 0

    def seen(self, shard: Shard | None, in_progress_ms: int = 0) -> WorkerSeen:
        """The child's current state.

        Args:
            shard: the shard that it processes, if any.
            in_progress_ms: recognised audio of the shard's files without an outcome.
        """
        return WorkerSeen(
            worker=self.worker,
            slot=self.slot,
            at=time.time(),
            job=shard.job if shard else None,
            shard=shard.shard if shard else None,
            files=self.files,
            audio_ms=self.audio_ms,
            work_ms=self.work_ms,
            in_progress_ms=in_progress_ms,
        )
