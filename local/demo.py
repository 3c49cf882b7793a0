"""The main job on the samples: upload, enqueue, transcribe, compare with what was said."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from contract.job import FORMATS, Options
from contract.layout import error_uri, output_uri
from contract.s3 import S3Store
from contract.store import ObjectMissing, ObjectStore
from contract.transcript import Transcript, Word
from local.environment import adopt
from local.samples import SAMPLES, Sample, load_samples
from local.scoring import to_words, word_errors
from local.stack import running_stack
from local.worker import LocalWorker
from producer import enqueue, status
from producer.planning.packing import ShardLimits

AUDIO = "s3://audio/samples/"
OUTPUT = "s3://transcripts/demo/"
MODEL = "demo"
_DEADLINE_S = 300.0
_ACCEPTED_ERROR_RATE = 0.01


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """What became of one sample."""

    audio: str
    status: str
    """ok, empty or failed."""
    text: str
    """What was heard, or why it failed."""
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
    """From enqueueing to the last result; the worker was ready by then."""
    results: list[FileResult]

    def unexpected(self, samples: list[Sample]) -> list[FileResult]:
        """The files that ended in another way than they should."""
        wanted = {sample.name: sample.expect for sample in samples}
        return [result for result in self.results if result.status != wanted[result.audio]]

    def as_expected(self, samples: list[Sample]) -> bool:
        """Whether every file ended as it should, with at most 1 % of the words wrong."""
        few_errors = self.word_errors <= _ACCEPTED_ERROR_RATE * self.words
        return few_errors and not self.unexpected(samples)

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(asdict(self), ensure_ascii=False, default=dict)


def run_demo(directory: Path, say: Callable[[str], None]) -> DemoResult:
    """Do the main job in the directory; say what is being done.

    Raises:
        StartFailed: when a part of the stack does not come up, or does not finish.
    """
    say("starting Valkey, an S3 server and one worker on this machine")
    with running_stack(directory, buckets=("audio", "transcripts")) as stack:
        adopt({**stack.environment, "FLEET_MODEL": MODEL})
        with LocalWorker(stack.environment, directory) as worker:
            worker.wait_until_ready()
            say("the model is loaded; transcribing the samples")
            begin = time.monotonic()
            job = _enqueue_samples()
            worker.process.wait_until(lambda: status(job).counts.complete, _DEADLINE_S)
            wall_s = time.monotonic() - begin
        counts = status(job).counts
        return _sum_up(_collect(S3Store()), counts.audio_ms / 1000, wall_s)


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


def _collect(store: ObjectStore) -> list[FileResult]:
    return [_read_result(store, sample) for sample in load_samples()]


def _read_result(store: ObjectStore, sample: Sample) -> FileResult:
    spoken: list[Word] = []
    try:
        body = store.read(output_uri(OUTPUT, sample.name, "json"))
        transcript = Transcript.model_validate_json(body)
        ending, text = ("ok" if transcript.segments else "empty"), transcript.text
        spoken = [word for segment in transcript.segments for word in segment.words or ()]
    except ObjectMissing:
        report = json.loads(store.read(error_uri(OUTPUT, sample.name)))
        ending, text = "failed", f"{report['error']['kind']}: {report['error']['message']}"
    return FileResult(
        audio=sample.name, status=ending, text=text, reference=sample.text, spoken=spoken
    )


def _sum_up(results: list[FileResult], audio_s: float, wall_s: float) -> DemoResult:
    endings = [result.status for result in results]
    heard = [result for result in results if result.status != "failed"]
    return DemoResult(
        files=len(results),
        ok=endings.count("ok"),
        empty=endings.count("empty"),
        failed=endings.count("failed"),
        words=sum(len(to_words(result.reference)) for result in heard),
        word_errors=sum(word_errors(result.reference, result.text) for result in heard),
        audio_s=round(audio_s, 1),
        wall_s=round(wall_s, 1),
        results=results,
    )
