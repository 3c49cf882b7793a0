"""Values that tests begin with; each test names only what it is about."""

from typing import Any

from funasr_fleet.contract.job import AudioRef, Shard
from funasr_fleet.contract.transcript import AudioInfo, Receipt, Segment, Transcript, Word
from funasr_fleet.worker.pipeline.result_writer import RunContext

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
    """A reference to one file."""
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
    """A stretch of speech."""
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
    """One word."""
    return Word(text=text, start_ms=start_ms, end_ms=end_ms)
