"""A message that is put aside: its letter, its files' errors, and their place in the books."""

import contextlib
from collections.abc import Sequence

from contract.attempts_key import identity_of
from contract.audio_address import shown
from contract.dead_letters import DeadLetter
from contract.job import AudioRef, MalformedShard, Shard
from contract.store import ObjectStore, StoreError
from contract.transcript import utc_now
from worker.events import FileFinished, ShardPutAside
from worker.failures import OutputUnwritable, PutAside, Skip
from worker.lifecycle import Child
from worker.receipts import Circumstances, describe_audio, write_error
from worker.results import Outputs


def put_aside(letter: DeadLetter, child: Child, decision: PutAside, who: Circumstances) -> None:
    """Keep the message with its reason where somebody finds it; its files have failed.

    The letter is there before the job can end, and after its files are known as failed: who sends
    it again finds them so.
    """
    try:
        shard = Shard.from_message(letter.document)
    except MalformedShard:
        child.dead_letters.put(letter)
    else:
        failed = report_errors(child.pipeline.store, shard, decision, who)
        book = child.open_book(shard)
        book.give_up(failed, decision.message, decision.kind)
        child.dead_letters.put(letter)
        book.leave_for_good()
        for ref in failed:
            child.observe(_failed(shard, ref, decision))
        child.attempts.end(identity_of(shard.output, shard.shard))
    child.observe(ShardPutAside(message_id=letter.message_id, reason=decision.message))


def report_errors(
    store: ObjectStore, shard: Shard, decision: PutAside, who: Circumstances
) -> Sequence[AudioRef]:
    """Leave an .error.json for each file of the shard that has no result; those files."""
    failed = []
    for ref in shard.files:
        outputs = Outputs(store, shard.output, ref.relative)
        with contextlib.suppress(StoreError, OutputUnwritable):  # that may be the reason
            if outputs.fingerprint(only_job=shard.job) is not None:
                continue  # its worker died after the commit
        failed.append(ref)
        skip = Skip(decision.kind, decision.message)
        report = write_error(skip, who, describe_audio(ref, None, None, ref.channel), utc_now())
        with contextlib.suppress(StoreError, OutputUnwritable):
            outputs.write_error(report)
    return failed


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
