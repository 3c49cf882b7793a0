"""Writes the outputs or the error of a file; called in background threads while the GPU works."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from funasr_fleet.worker.audio.audio_range import AudioFacts, is_split
from funasr_fleet.worker.engine.interface import Identity
from funasr_fleet.worker.errors import Skip
from funasr_fleet.worker.pipeline import receipt as receipts
from funasr_fleet.worker.pipeline.fetch import FileJob
from funasr_fleet.worker.pipeline.file_state import ChannelResult, FileInProgress, merge_channels
from funasr_fleet.worker.pipeline.output_store import Outputs
from funasr_fleet.worker.pipeline.receipt import RunContext


@dataclass(frozen=True, kw_only=True)
class WrittenResult:
    """A result that has been written."""

    result: ChannelResult
    fingerprint: str
    etag: str
    """ETag of the .json."""


@dataclass(frozen=True, kw_only=True)
class ResultWriter:
    """Writes the results of one shard."""

    engine: Identity
    run: RunContext
    now: Callable[[], str]

    def commit(
        self,
        file: FileInProgress,
        channels: Sequence[ChannelResult],
        fingerprint: str,
        threads: int,
    ) -> "WrittenResult":
        """Write the results of one file: one per split channel first, the whole file's last."""
        fetched, file_job = file.fetched, file.fetched.file_job
        assert fetched.facts  # noqa: S101 - it was decoded to its end
        metrics = receipts.FileMetrics(
            fingerprint=fingerprint,
            options=file_job.options,
            threads=threads,
            stopwatch=file_job.stopwatch,
            audio_s=range_s(file_job, fetched.facts),
            finished_at=self.now(),
        )
        if not is_split(file_job.ref, file_job.options):
            (result,) = channels
        else:
            for one in channels:
                self._write(file, one, f"{file_job.ref.relative}.ch{one.channel}", metrics)
            result = merge_channels(channels)
        etag = self._write(file, result, file_job.ref.relative, metrics)
        return WrittenResult(result=result, fingerprint=fingerprint, etag=etag)

    def _write(
        self, file: FileInProgress, result: ChannelResult, name: str, metrics: receipts.FileMetrics
    ) -> str:
        fetched, file_job = file.fetched, file.fetched.file_job
        described = receipts.describe_audio(
            file_job.ref, fetched.info, fetched.facts, result.channel
        )
        receipt = receipts.write_receipt(self.run, self.engine, metrics)
        draft = receipts.write_transcript(result, file_job.options, described, receipt)
        outputs = Outputs(file_job.outputs.store, file_job.outputs.prefix, name)
        with file_job.stopwatch("write"):
            outputs.prepare(draft, file_job.options.formats)
        final = receipts.with_final_timings(draft, metrics)
        with file_job.stopwatch("write"):
            return outputs.commit(final)

    def report(self, file: FileInProgress, failure: Skip) -> None:
        """Write the .error.json of a file that failed permanently."""
        fetched, file_job = file.fetched, file.fetched.file_job
        described = receipts.describe_audio(
            file_job.ref, fetched.info, fetched.facts, file_job.ref.channel
        )
        report = receipts.write_error(failure, self.run, described, self.now())
        with file_job.stopwatch("write"):
            file_job.outputs.write_error(report)


def range_s(file_job: FileJob, facts: AudioFacts) -> float:
    """Seconds of audio in the requested range, within the file."""
    end_ms = min(file_job.ref.end_ms or facts.duration_ms, facts.duration_ms)
    return max(0, end_ms - (file_job.ref.start_ms or 0)) / 1000
