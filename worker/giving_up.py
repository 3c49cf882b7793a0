"""A message that is put aside: its letter, its files' errors, and their place in the books."""

import contextlib
import logging
from collections.abc import Iterator, Sequence

from contract.audio_address import shown
from contract.dead_letters import DeadLetter
from contract.job import AudioRef, MalformedShard, Shard
from contract.queues import BrokerUnavailable
from contract.store import StoreError, StoreUnavailable
from contract.transcript import utc_now
from worker.events import FileFinished, ShardPutAside
from worker.failures import OutputUnwritable, PutAside, Skip
from worker.lifecycle import Child
from worker.receipts import Circumstances, describe_audio, write_error
from worker.results import Outputs

log = logging.getLogger(__name__)


def put_aside(letter: DeadLetter, child: Child, decision: PutAside, who: Circumstances) -> None:
    """Keep the message with its reason where somebody finds it; its files have failed.

    The letter is there before the job can end, and after its files are known as failed: who sends
    it again finds them so.

    Raises:
        StoreUnavailable: storage is away; what is missing is written when it comes again.
    """
    try:
        shard = Shard.from_message(letter.document)
    except MalformedShard:
        child.dead_letters.put(letter)
    else:
        failed = report_errors(child, shard, decision, who)
        book = child.open_book(shard)
        with _ledger_may_refuse(shard):
            book.give_up(failed, decision.message, decision.kind)
        child.dead_letters.put(letter)
        try:
            with _ledger_may_refuse(shard):
                book.leave_for_good()
        except StoreUnavailable:
            raise  # nobody else would write the end of the job
        except StoreError as error:
            log.warning("the end of job %s cannot be written: %s", shard.job, error)
        for ref in failed:
            child.observe(_failed(shard, ref, decision))
    child.observe(ShardPutAside(message_id=letter.message_id, reason=decision.message))


def report_errors(
    child: Child, shard: Shard, decision: PutAside, who: Circumstances
) -> Sequence[AudioRef]:
    """Leave an .error.json for each file of the shard that has no result; those files.

    Raises:
        StoreUnavailable: storage is away, and that is not the reason.
    """
    failed = []
    for ref in shard.files:
        child.heartbeat.beat(f"report of {ref.relative}")
        outputs = Outputs(child.pipeline.store, shard.output, ref.relative)
        with _unless_that_is_why(decision):
            if child.pipeline.fetcher.made(shard, ref):
                continue  # its worker died after the commit
        failed.append(ref)
        skip = Skip(decision.kind, decision.message)
        report = write_error(skip, who, describe_audio(ref, None, None, ref.channel), utc_now())
        with _unless_that_is_why(decision):
            outputs.write_error(report)
    return failed


@contextlib.contextmanager
def _ledger_may_refuse(shard: Shard) -> Iterator[None]:
    """Continue without the ledger when Redis rejects a command.

    The client retries while Redis cannot be reached, so that only rejected commands get here.
    The job stays open, and its report is not written, until `fleet reconcile` has rebuilt it.
    """
    try:
        yield
    except BrokerUnavailable as error:
        log.error("the ledger of job %s is not updated, run fleet reconcile: %s", shard.job, error)


@contextlib.contextmanager
def _unless_that_is_why(decision: PutAside) -> Iterator[None]:
    """Who may not write, or cannot after many tries, cannot say so either."""
    try:
        yield
    except StoreUnavailable:
        if decision.kind != "audio_missing":  # the kind of what storage did not give for hours
            raise
    except (StoreError, OutputUnwritable):
        pass


def _failed(shard: Shard, ref: AudioRef, decision: PutAside) -> FileFinished:
    return FileFinished(
        shard=shard.shard,
        job=shard.job,
        audio=shown(ref.audio),
        index=ref.index,
        outcome="failed",
        audio_s=0.0,
        seconds=0.0,
        error=decision.message,
        error_kind=decision.kind,
    )
