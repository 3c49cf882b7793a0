"""Fails the files of a shard whose entries in the message are not valid; the others go on."""

from collections.abc import Iterable

from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.shard_message import InvalidEntry
from funasr_fleet.contract.transcript import AudioInfo, utc_now
from funasr_fleet.worker.app.child_process import WorkerContext
from funasr_fleet.worker.error_handling import Skip
from funasr_fleet.worker.errors import OutputUnwritable
from funasr_fleet.worker.events import FileFinished, ShardDeadLettered
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.result_writer import RunContext, write_error
from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter


def fail_invalid_entries(
    child: WorkerContext,
    shard: Shard,
    entries: Iterable[InvalidEntry],
    reporter: ShardReporter,
    run: RunContext,
    letter: DeadLetter,
) -> None:
    """Write the .error.json of each entry, and record its file as failed.

    Args:
        child: writes the outputs and receives the events.
        shard: the shard of the entries.
        entries: those that are not valid.
        reporter: records the outcomes.
        run: the worker and the attempt.
        letter: the dead letter of the whole message. An entry that names no valid output gets a
            dead letter of its own, made from this one.

    Raises:
        StoreUnavailable: storage is unavailable; call again.
    """
    for entry in entries:
        child.heartbeat.touch(f"report of {entry.relative}")
        failure = Skip("model_error", entry.reason)
        if not _write_error(child, shard, entry, failure, run):
            reason = f"entry {entry.position} of shard {shard.shard}: {entry.reason}"
            id_ = f"{letter.message_id}.files.{entry.position}"
            own = {"message_id": id_, "reason": reason, "document": dict(entry.document)}
            child.dead_letters.put(letter.model_copy(update=own))
            child.observe(ShardDeadLettered(message_id=id_, reason=reason))
        finished = FileFinished(
            shard=shard.shard,
            job=shard.job,
            audio=entry.audio,
            index=entry.index,
            outcome="failed",
            audio_s=0.0,
            seconds=0.0,
            error=failure.message,
            error_kind=failure.kind,
        )
        reporter.record(entry, finished)
        child.observe(finished)


def _write_error(
    child: WorkerContext, shard: Shard, entry: InvalidEntry, failure: Skip, run: RunContext
) -> bool:
    """Write the .error.json; False if the entry names no output that can be written."""
    if not entry.is_safe:
        return False
    outputs = Outputs(child.pipeline.fetcher.store, shard.output, entry.relative)
    try:
        outputs.write_error(write_error(failure, run, AudioInfo(uri=entry.audio), utc_now()))
    except OutputUnwritable:
        return False
    return True
