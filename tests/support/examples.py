"""Example values for tests, with overrides for the relevant fields."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import typer
from typer.testing import CliRunner, Result

from funasr_fleet.broker.ledger.values import OUTCOMES, JobCounts, Minute
from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.transcript import (
    AudioInfo,
    ErrorKind,
    ErrorReport,
    FailureDetail,
    Outcome,
    Receipt,
    Segment,
    Transcript,
    Word,
)
from funasr_fleet.producer.discovery.interface import BadRow, Content, Ignored, Source
from funasr_fleet.producer.jobs.status import JobStatus
from funasr_fleet.producer.progress.measuring import measure
from funasr_fleet.worker.events import FileFinished
from funasr_fleet.worker.pipeline.result_writer import RunContext
from tests.support.memory_store import MemoryStore

OUTPUT = "s3://out/prefix/"

INTERFACE_SHARD: dict[str, Any] = {
    "schema": 1,
    "shard": "job-20261122-0007",
    "job": "job-20261122",
    "output": "s3://out/prefix/",
    "files": [
        {
            "index": 412,
            "audio": "s3://in/calls/a.mp3",
            "relative": "calls/a.mp3",
            "etag": '"9b2c"',
            "bytes": 812345,
            "start_ms": None,
            "end_ms": None,
            "channel": None,
            "options": {},
        }
    ],
    "options": {
        "formats": ["json", "srt"],
        "language": None,
        "hotwords": [],
        "timestamps": "segment",
        "speakers": False,
        "channels": "mix",
    },
}
"""The message documented in docs/contract.md."""


def a_ref(audio: str = "s3://in/calls/a.wav", **fields: Any) -> AudioRef:
    return AudioRef.model_validate({"audio": audio, **fields})


def a_shard(*audio: str | AudioRef, **fields: Any) -> Shard:
    """A shard of these files, by default of one file."""
    files = audio or ("s3://in/calls/a.wav",)
    refs = [a_ref(one, index=i) if isinstance(one, str) else one for i, one in enumerate(files)]
    given = {"schema": 1, "shard": "night-000000", "job": "night", "output": OUTPUT, **fields}
    return Shard.model_validate({**given, "files": refs})


def who(attempt: int = 1, retries: int = 0, job: str | None = "night") -> RunContext:
    """The run context of a worker with a shard."""
    return RunContext(job=job, attempt=attempt, retries=retries, worker="fleet@host", slot=0)


def a_receipt(**fields: Any) -> Receipt:
    """The receipt of the example transcript."""
    given: dict[str, Any] = {
        "job": "night",
        "fingerprint": "sha256:ab",
        "model": "demo",
        "model_revision": "sha256:cd",
        "funasr": "1.4.16",
        "torch": "2.13.0",
        "device": "cpu",
        "precision": "fp32",
        "torch_threads": 2,
        "options": {},
        "attempt": 1,
        "worker": "fleet@host",
        "slot": 0,
        "speech_ms": 2000,
        "stages_ms": {"fetch": 12, "vad": 41},
        "rtfx": 203.1,
        "finished_at": "2026-11-22T12:00:00Z",
    }
    return Receipt.model_validate({**given, **fields})


def a_segment(start_ms: int, end_ms: int, text: str, **fields: Any) -> Segment:
    return Segment(start_ms=start_ms, end_ms=end_ms, text=text, **fields)


def a_transcript(*segments: Segment, **fields: Any) -> Transcript:
    """A transcript of these segments; none for audio without speech."""
    given: dict[str, Any] = {
        "audio": AudioInfo(uri="s3://in/calls/a.wav", duration_ms=5000),
        "language": "en",
        "text": " ".join(segment.text for segment in segments),
        "segments": segments,
        "receipt": a_receipt(),
    }
    return Transcript.model_validate({**given, **fields})


def a_word(text: str, start_ms: int, end_ms: int) -> Word:
    return Word(text=text, start_ms=start_ms, end_ms=end_ms)


BEGUN = 1_795_000_020.0
"""Seconds since the epoch; a whole minute."""
FIRST_MINUTE = int(BEGUN // 60)


def counted(outcomes: dict[Outcome, int] | None = None, **fields: Any) -> JobCounts:
    """A published job with as many files as outcomes, unless overridden."""
    every: dict[Outcome, int] = {**dict.fromkeys(OUTCOMES, 0), **(outcomes or {})}
    base = JobCounts(
        job="night",
        output="s3://out/",
        created_at=BEGUN,
        published=True,
        files=sum(every.values()),
        audio_ms=0,
        outcomes=every,
    )
    return replace(base, **fields)


def steady(minutes: int, files: int, audio_ms: int) -> list[Minute]:
    """The same values in each minute from the start of the job."""
    return [
        Minute(minute=FIRST_MINUTE + passed, files=files, audio_ms=audio_ms)
        for passed in range(minutes)
    ]


def status_of(counts: JobCounts, minutes: list[Minute] | None = None, **more: Any) -> JobStatus:
    """The job's status ten minutes after its start."""
    now = more.pop("now", BEGUN + 600)
    workers = more.pop("workers", [])
    return JobStatus(
        counts=counts,
        progress=measure(counts, minutes or [], workers, now, **more),
        ready_messages=2,
        unacked_messages=1,
    )


def a_store(*keys: str) -> MemoryStore:
    """A bucket `in` with these objects of five bytes."""
    store = MemoryStore("in")
    for key in keys:
        store.write(f"s3://in/{key}", b"12345", "")
    return store


def items(source: Source) -> list[AudioRef | BadRow]:
    """The references and invalid rows of a source, without positions."""
    found = (one.item for one in source.after(""))
    return [item for item in found if not isinstance(item, Ignored)]


def refs(source: Source) -> list[AudioRef]:
    """The references of a source without bad rows."""
    return [whole(item) for item in items(source)]


def whole(item: Content) -> AudioRef:
    """The item, which must be a reference."""
    assert isinstance(item, AudioRef), str(item)
    return item


def reason(item: Content) -> str:
    """Position and reason of a bad row."""
    assert isinstance(item, BadRow), str(item)
    return str(item)


def resumes_after_each_position(source: Source) -> bool:
    """Whether a source resumed after any position yields exactly the remaining items."""
    all_of_it = list(source.after(""))
    rests = ((source.after(found.position), n) for n, found in enumerate(all_of_it, start=1))
    return all(list(rest) == all_of_it[n:] for rest, n in rests)


def invoke(command: Callable[..., None], *arguments: str) -> Result:
    """Run a CLI command in this process."""
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments)


def a_finished_file(**fields: Any) -> FileFinished:
    given: dict[str, Any] = {
        "shard": "s",
        "job": "j",
        "audio": "s3://in/a.wav",
        "index": 0,
        "outcome": "ok",
        "audio_s": 10.0,
        "seconds": 0.5,
        "stages_s": {"fetch": 0.1, "vad": 0.1, "recognise": 0.2, "punctuate": 0.05, "write": 0.05},
        "threads": 2,
    }
    return FileFinished(**{**given, **fields})


def an_error_report(kind: ErrorKind = "audio_missing", message: str = "gone") -> ErrorReport:
    detail = FailureDetail(kind=kind, message=message, attempts=3, worker="w", at="now")
    return ErrorReport(audio=AudioInfo(uri="s3://in/a.wav"), error=detail)


class Clock:
    """A clock that only tests advance."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s
