"""Moves a message to the dead letters, and records its files as failed."""

import contextlib
import logging
from collections.abc import Iterator, Sequence

from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.contract.audio_address import shown
from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.contract.shard_message import InvalidEntry
from funasr_fleet.storage.base import StoreError, StoreUnavailable
from funasr_fleet.worker.app.child_process import WorkerContext
from funasr_fleet.worker.app.error_report import put_error_report, tolerating
from funasr_fleet.worker.app.invalid_entries import InvalidEntries
from funasr_fleet.worker.error_handling import SendToDeadLetters, Skip
from funasr_fleet.worker.errors import OutputUnwritable
from funasr_fleet.worker.events import FileFinished, ShardDeadLettered
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.result_writer import RunContext, describe_audio
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter

log = logging.getLogger(__name__)


def dead_letter_shard(
    letter: DeadLetter,
    child: WorkerContext,
    reporter: ShardReporter | None,
    decision: SendToDeadLetters,
    run: RunContext,
) -> None:
    """Write the dead letter and record the shard's unfinished files as failed.

    The files are recorded as failed before the dead letter is written, so that a requeue can
    reopen them. The job can be finalized only after the dead letter is written.

    Args:
        letter: the dead letter to write.
        child: writes the outputs and receives the events.
        reporter: has the shard of the message, and the outcomes of this delivery; None if the
            message is malformed.
        decision: why it is a dead letter.
        run: the worker and the attempt.

    Raises:
        StoreUnavailable: storage is unavailable; call again to write what is missing.
        JobLocked: another process is closing the job; call again.
    """
    if reporter is None:
        child.dead_letters.put(letter)
    else:
        shard, invalid = reporter.shard, reporter.invalid
        failed = write_errors(child, reporter, decision, run)

        def record(entry: InvalidEntry, finished: FileFinished) -> None:
            # the output may be the reason for the dead letter
            with _tolerate_ledger_errors(shard), contextlib.suppress(OutputUnwritable):
                if not reporter.has_outcome(entry):
                    reporter.record(entry, finished)

        entries = InvalidEntries(child=child, shard=shard, entries=invalid, run=run, letter=letter)
        events = entries.fail(record, because=decision)
        with _tolerate_ledger_errors(shard):
            reporter.give_up(failed, decision.message, decision.kind, child.heartbeat.touch)
        child.dead_letters.put(letter)
        try:
            with _tolerate_ledger_errors(shard):
                reporter.end_replaced_and_close_job()
        except StoreUnavailable:
            raise  # no other process would finalize the job
        except StoreError as error:
            log.warning(
                "cannot write the report of job %s; fix the cause, then run fleet reconcile or, if "
                "it has no plan, fleet close: %s",
                shard.job,
                error,
            )
        kind, message = decision.kind, decision.message
        for ref in failed:
            address = shown(ref.audio)
            events.append(FileFinished.of_failure(shard, address, ref.index, kind, message))
        for event in events:
            child.observe(event)
    child.observe(ShardDeadLettered(message_id=letter.message_id, reason=decision.message))


def write_errors(
    child: WorkerContext, reporter: ShardReporter, decision: SendToDeadLetters, run: RunContext
) -> Sequence[AudioRef]:
    """Write an .error.json for each file of the shard without an outcome; return those files.

    Raises:
        StoreUnavailable: storage is unavailable, for another reason than that of the dead letter.
    """
    failed, fetcher, shard = [], child.pipeline.fetcher, reporter.shard
    for ref in shard.files:
        if reporter.has_outcome(ref):
            continue
        child.heartbeat.touch(f"report of {ref.relative}")
        outputs = Outputs(fetcher.store, shard.output, ref.relative)
        with tolerating(decision):
            if fetcher.existing(shard, ref):
                continue  # an attempt crashed after it had written the result
        failed.append(ref)
        skip = Skip(decision.kind, decision.message)
        put_error_report(outputs, skip, run, describe_audio(ref, None, None, ref.channel), decision)
    return failed


@contextlib.contextmanager
def _tolerate_ledger_errors(shard: Shard) -> Iterator[None]:
    """Continue without the ledger when Redis rejects a command.

    The client retries while Redis is unreachable, so only rejected commands raise here. The job
    stays open, and its report is not written, until `fleet reconcile` has rebuilt its ledger.
    """
    try:
        yield
    except BrokerUnavailable as error:
        log.error("cannot update the ledger of job %s, run fleet reconcile: %s", shard.job, error)
