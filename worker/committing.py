"""What was heard in a file, or why nothing was -> its outputs, written behind the device's back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker import receipts
from worker.engine.interface import Identity
from worker.failures import Skip
from worker.fetching import Task
from worker.hearing import Heard, Hearing, merge_channels
from worker.receipts import Circumstances
from worker.results import Outputs
from worker.stretches import AudioFacts, is_split


@dataclass(frozen=True, kw_only=True)
class Committed:
    """A result that is there."""

    heard: Heard
    fingerprint: str
    etag: str
    """Of the .json."""


@dataclass(frozen=True, kw_only=True)
class Committer:
    """Writes results on behalf of one shard."""

    engine: Identity
    who: Circumstances
    now: Callable[[], str]

    def commit(
        self, hearing: Hearing, channels: Sequence[Heard], fingerprint: str, threads: int
    ) -> "Committed":
        """Write every result of one file, the whole file's last."""
        task, facts = hearing.incoming.task, hearing.incoming.facts
        assert facts  # noqa: S101 - it was decoded to its end
        work = receipts.Work(
            fingerprint=fingerprint,
            options=task.options,
            threads=threads,
            stopwatch=task.stopwatch,
            audio_s=stretch_s(task, facts),
            finished_at=self.now(),
        )
        if not is_split(task.ref, task.options):
            (heard,) = channels
        else:
            for one in channels:
                self._write(hearing, one, f"{task.ref.relative}.ch{one.channel}", work)
            heard = merge_channels(channels)
        etag = self._write(hearing, heard, task.ref.relative, work)
        return Committed(heard=heard, fingerprint=fingerprint, etag=etag)

    def _write(self, hearing: Hearing, heard: Heard, name: str, work: receipts.Work) -> str:
        incoming, task = hearing.incoming, hearing.incoming.task
        described = receipts.describe_audio(task.ref, incoming.info, incoming.facts, heard.channel)
        receipt = receipts.write_receipt(self.who, self.engine, work)
        draft = receipts.write_transcript(heard, task.options, described, receipt)
        outputs = Outputs(task.outputs.store, task.outputs.prefix, name)
        with task.stopwatch("write"):
            outputs.prepare(draft, task.options.formats)
        final = receipts.close_receipt(draft, work)
        with task.stopwatch("write"):
            return outputs.commit(final)

    def report(self, hearing: Hearing, failure: Skip) -> None:
        """Write why the file failed for good."""
        incoming, task = hearing.incoming, hearing.incoming.task
        described = receipts.describe_audio(
            task.ref, incoming.info, incoming.facts, task.ref.channel
        )
        with task.stopwatch("write"):
            task.outputs.write_error(receipts.write_error(failure, self.who, described, self.now()))


def stretch_s(task: Task, facts: AudioFacts) -> float:
    """Seconds of audio that the reference asks for, within the file."""
    end_ms = min(task.ref.end_ms or facts.duration_ms, facts.duration_ms)
    return max(0, end_ms - (task.ref.start_ms or 0)) / 1000
