"""Values that tests begin with; each test names only what it is about."""

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
from funasr_fleet.producer.discovery.interface import BadRow, Source
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
"""The message of the interface page, as any Celery client sends it."""


def a_ref(audio: str = "s3://in/calls/a.wav", **fields: Any) -> AudioRef:
    return AudioRef.model_validate({"audio": audio, **fields})


def a_shard(*audio: str | AudioRef, **fields: Any) -> Shard:
    """A shard of these files, by default of one."""
    files = audio or ("s3://in/calls/a.wav",)
    refs = [a_ref(one, index=i) if isinstance(one, str) else one for i, one in enumerate(files)]
    given = {"schema": 1, "shard": "night-000000", "job": "night", "output": OUTPUT, **fields}
    return Shard.model_validate({**given, "files": refs})


def who(attempt: int = 1, retries: int = 0, job: str | None = "night") -> RunContext:
    """A worker at a shard."""
    return RunContext(job=job, attempt=attempt, retries=retries, worker="fleet@host", slot=0)


def a_receipt(**fields: Any) -> Receipt:
    """How the example transcript came about."""
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
    """A transcript of these segments; of none for an audio without speech."""
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
    """A published job that has as many files as outcomes, unless told otherwise."""
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
    """The same in each of so many minutes from the job's beginning."""
    return [
        Minute(minute=FIRST_MINUTE + passed, files=files, audio_ms=audio_ms)
        for passed in range(minutes)
    ]


def status_of(counts: JobCounts, minutes: list[Minute] | None = None, **more: Any) -> JobStatus:
    """The job's status ten minutes after it began."""
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
    """All that a source yields, without positions."""
    return [found.item for found in source.after("")]


def refs(source: Source) -> list[AudioRef]:
    """The references of a source in which nothing is bad."""
    return [whole(item) for item in items(source)]


def whole(item: AudioRef | BadRow) -> AudioRef:
    """An item that is no bad row."""
    assert isinstance(item, AudioRef), str(item)
    return item


def reason(item: AudioRef | BadRow) -> str:
    """Where a bad row is and why it is bad."""
    assert isinstance(item, BadRow), str(item)
    return str(item)


def goes_on_behind_each(source: Source) -> bool:
    """Whether a source that is asked to go on behind any position yields just the rest."""
    all_of_it = list(source.after(""))
    rests = ((source.after(found.position), n) for n, found in enumerate(all_of_it, start=1))
    return all(list(rest) == all_of_it[n:] for rest, n in rests)


def invoke(command: Callable[..., None], *arguments: str) -> Result:
    """Run one command of the CLI in this process."""
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
    """Time passes only where a test adds to it."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s
