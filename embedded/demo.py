"""`fleet demo`: upload, enqueue and transcribe the samples, and compare with the references."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from funasr_fleet import enqueue, status
from funasr_fleet.contract.job import FORMATS, Options
from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.contract.transcript import Transcript, Word
from funasr_fleet.embedded.process import StartFailed, adopt
from funasr_fleet.embedded.samples import SAMPLES, Sample, load_samples
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import running_stack
from funasr_fleet.producer.evaluation.scoring import Counts, score
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.storage.base import ObjectMissing, ObjectStore
from funasr_fleet.storage.s3 import S3Store

AUDIO = "s3://audio/samples/"
OUTPUT = "s3://transcripts/demo/"
MODEL = "demo"
_DEADLINE_S = 300.0
_ACCEPTED_ERROR_RATE = 0.01


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """The result of one sample."""

    audio: str
    status: str
    """ok, empty or failed."""
    text: str
    """The transcript, or the error."""
    reference: str
    spoken: list[Word] = field(default_factory=list)
    """Every word with its time."""


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """The document of `fleet demo --json`."""

    files: int
    ok: int
    empty: int
    failed: int
    words: int
    word_errors: int
    audio_s: float
    wall_s: float
    """From the upload of the samples to the last result; excludes the start of the worker."""
    results: list[FileResult]

    def unexpected(self, samples: list[Sample]) -> list[FileResult]:
        """The files with another status than expected."""
        expected = {sample.name: sample.expect for sample in samples}
        return [result for result in self.results if result.status != expected[result.audio]]

    def as_expected(self, samples: list[Sample]) -> bool:
        """Whether every file has the expected status, with at most 1 % of the words wrong."""
        few_errors = self.word_errors <= _ACCEPTED_ERROR_RATE * self.words
        return few_errors and not self.unexpected(samples)

    def to_json(self) -> str:
        """The result as one JSON document."""
        return json.dumps(asdict(self), ensure_ascii=False, default=dict)


def run_demo(directory: Path, report: Callable[[str], None]) -> DemoResult:
    """Transcribe the samples with an embedded stack.

    Args:
        directory: where the data of broker and S3, and the logs, are kept.
        report: called with a message before each step.

    Raises:
        StartFailed: a part of the stack did not start, or the job was cancelled or did not finish
            in time.
    """
    with running_stack(directory, ("audio", "transcripts"), report) as stack:
        adopt({**stack.environment, "FLEET_MODEL": MODEL})
        report("starting one worker on this machine's CPU; it loads the model")
        with LocalWorker(stack.environment, directory) as worker:
            worker.wait_until_ready()
            report("model loaded; uploading and enqueueing the samples")
            begin = time.monotonic()
            job = _enqueue_samples()
            worker.process.wait_until(_is_over(job, report), _DEADLINE_S)
            wall_s = time.monotonic() - begin
        counts = status(job).counts
        if counts.cancelled:
            raise StartFailed(f"job {job} was cancelled")
        store = S3Store()
        results = [_read_result(store, sample) for sample in load_samples()]
        return _summarise(results, counts.audio_ms / 1000, wall_s)


def _is_over(job: str, report: Callable[[str], None]) -> Callable[[], bool]:
    """A function that returns whether the job is over, and reports progress on changes."""
    reported = ""

    def is_over() -> bool:
        nonlocal reported
        counts = status(job).counts
        step = f"{counts.finished} of {counts.files} files done"
        if step != reported:
            report(step)
            reported = step
        return counts.over

    return is_over


def _enqueue_samples() -> str:
    result = enqueue(
        [str(SAMPLES)],
        upload=AUDIO,
        output=OUTPUT,
        options=Options(formats=FORMATS, timestamps="word"),
        overwrite=True,
        limits=ShardLimits(files=4),
    )
    return result.job


def _read_result(store: ObjectStore, sample: Sample) -> FileResult:
    spoken: list[Word] = []
    try:
        body = store.read(output_uri(OUTPUT, sample.name, "json"))
        transcript = Transcript.model_validate_json(body)
        outcome, text = ("ok" if transcript.segments else "empty"), transcript.text
        spoken = [word for segment in transcript.segments for word in segment.words or ()]
    except ObjectMissing:
        report = json.loads(store.read(error_uri(OUTPUT, sample.name)))
        outcome, text = "failed", f"{report['error']['kind']}: {report['error']['message']}"
    return FileResult(
        audio=sample.name, status=outcome, text=text, reference=sample.text, spoken=spoken
    )


def _summarise(results: list[FileResult], audio_s: float, wall_s: float) -> DemoResult:
    outcomes = [result.status for result in results]
    transcribed = (result for result in results if result.status != "failed")
    scores = (score(result.reference, result.text, "wer") for result in transcribed)
    counts = sum((one.counts for one in scores), Counts())
    return DemoResult(
        files=len(results),
        ok=outcomes.count("ok"),
        empty=outcomes.count("empty"),
        failed=outcomes.count("failed"),
        words=counts.words,
        word_errors=counts.errors,
        audio_s=round(audio_s, 1),
        wall_s=round(wall_s, 1),
        results=results,
    )
