"""Fails the files of a shard whose entries in the message are invalid, and no others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.layout import invalid_entry_name
from funasr_fleet.contract.shard_message import InvalidEntry
from funasr_fleet.contract.transcript import AudioInfo
from funasr_fleet.worker.app.child_process import WorkerContext
from funasr_fleet.worker.app.error_report import put_error_report
from funasr_fleet.worker.error_handling import SendToDeadLetters, Skip
from funasr_fleet.worker.events import Event, FileFinished, ShardDeadLettered
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.periodic_call import called_every
from funasr_fleet.worker.pipeline.result_writer import RunContext
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter

_REPORT_EVERY_S = 1.0

Record = Callable[[InvalidEntry, FileFinished], None]


@dataclass(frozen=True, kw_only=True)
class InvalidEntries:
    """The invalid entries of one message."""

    child: WorkerContext
    """Writes the outputs."""
    shard: Shard
    entries: Iterable[InvalidEntry]
    run: RunContext
    letter: DeadLetter
    """The dead letter of the whole message. An entry whose .error.json cannot be written gets a
    dead letter of its own, which is made from this one."""

    def fail_and_report(self, reporter: ShardReporter, stop: Callable[[], bool]) -> list[Event]:
        """Fail the entries as fail() does; report to the ledger every second meanwhile."""
        with called_every(_REPORT_EVERY_S, lambda: reporter.report(0)):
            return self.fail(reporter.record, stop)

    def fail(
        self,
        record: Record,
        stop: Callable[[], bool] = lambda: False,
        because: SendToDeadLetters | None = None,
    ) -> list[Event]:
        """Write the .error.json of each entry, and record its file as failed.

        Args:
            record: records the outcome of an entry.
            stop: once it returns true, the remaining entries are left without an outcome.
            because: why the whole shard is a dead letter, if it is.

        Returns:
            The events. Observe them only when the shard has ended: after an error, fail() is
            called again, and each entry must be counted once.

        Raises:
            StoreUnavailable: storage is unavailable; call again.
        """
        events: list[Event] = []
        for entry in self.entries:
            if stop():
                break
            events += self._fail(entry, record, because)
        return events

    def _fail(
        self, entry: InvalidEntry, record: Record, because: SendToDeadLetters | None
    ) -> list[Event]:
        finished = FileFinished.of_failure(
            self.shard, entry.audio, entry.index, "model_error", entry.reason
        )
        is_reported = self._report(entry, because)
        record(entry, finished)  # before the dead letter, so that a requeue can reopen the file
        if is_reported:
            return [finished]
        reason = f"entry {entry.position} of shard {self.shard.shard}: {entry.reason}"
        id_ = f"{self.letter.message_id}.files.{entry.position}"
        own = {"message_id": id_, "reason": reason, "document": dict(entry.document)}
        self.child.dead_letters.put(self.letter.model_copy(update=own))
        return [ShardDeadLettered(message_id=id_, reason=reason), finished]

    def _report(self, entry: InvalidEntry, because: SendToDeadLetters | None) -> bool:
        """Write the .error.json; return False if storage rejects it permanently."""
        self.child.heartbeat.touch(f"report of {entry.relative}")
        name = entry.relative
        if not entry.is_safe:
            name = invalid_entry_name(self.shard.shard, entry.position)
        outputs = Outputs(self.child.pipeline.fetcher.store, self.shard.output, name)
        failure, audio = Skip("model_error", entry.reason), AudioInfo(uri=entry.audio)
        return put_error_report(outputs, failure, self.run, audio, because)
