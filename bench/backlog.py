"""A very large backlog: publishing speed, memory, and time of `fleet status`.

The producer is the command in its own process, Valkey and the S3 API are the embedded ones.
Finished results are written as files into the S3 server's folder, which is how it stores objects.
"""

import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.machine import describe_machine
from funasr_fleet import status
from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import fingerprint, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, encode
from funasr_fleet.embedded.process import adopt
from funasr_fleet.embedded.stack import Stack, running_stack
from funasr_fleet.settings import Settings

REVISION = "sha256:bench"
_ROWS_AT_ONCE = 10_000
_POLL_INTERVAL_S = 0.2
_TAKEN_AT_ONCE = 50
"""Messages per step: 250 a second, a quarter of the publishing rate, to reach the watermark."""


@dataclass(frozen=True, kw_only=True)
class BacklogResult:
    """The output of `python -m bench backlog --json`."""

    files: int
    publish_s: float
    """The whole command, including its start."""
    files_per_s: float
    producer_mib: int
    """Peak memory of the producer's processes, sampled five times a second."""
    producer_mib_at_a_tenth: int
    """Peak memory for a tenth of the files, to show growth."""
    valkey_mib: int
    """Memory of Valkey with all messages waiting."""
    messages: int
    status_s: float
    """Time of `status` of that job, by the Python API."""
    watermark_messages: int
    watermark_most_ready: int
    """Peak number of waiting messages with --max-ready at watermark_messages."""
    finished_files: int
    again_s: float
    """Time of `fleet enqueue` for a finished job."""
    again_enqueued: int
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return one line per field."""
        return "\n".join(f"{name}: {value}" for name, value in asdict(self).items())


@dataclass(frozen=True, kw_only=True)
class _CommandRun:
    seconds: float
    mib: int
    result: dict[str, Any]


def run_backlog(directory: Path, files: int, finished: int) -> BacklogResult:
    """Publish, read the status, publish with a watermark, and enqueue a finished job again."""
    directory.mkdir(parents=True, exist_ok=True)
    manifest, tenth = directory / "all.jsonl", directory / "tenth.jsonl"
    _write_manifest(manifest, files)
    _write_manifest(tenth, files // 10)
    with running_stack(directory / "stack", buckets=("audio", "transcripts")) as stack:
        adopt({**stack.environment, "FLEET_MODEL": "demo"})
        small = _enqueue(tenth, "s3://transcripts/tenth/")
        _flush()
        whole = _enqueue(manifest, "s3://transcripts/all/")
        waiting_mib = connect(Settings.load()).info("memory")["used_memory"] >> 20
        begin = time.perf_counter()
        found = status(whole.result["job"])
        status_s = time.perf_counter() - begin
        _flush()
        most = _publish_against_a_watermark(tenth)
        again = _enqueue_finished(stack, finished)
    return BacklogResult(
        files=files,
        publish_s=round(whole.seconds, 1),
        files_per_s=round(files / whole.seconds),
        producer_mib=whole.mib,
        producer_mib_at_a_tenth=small.mib,
        valkey_mib=waiting_mib,
        messages=found.ready_messages,
        status_s=round(status_s, 3),
        watermark_messages=WATERMARK,
        watermark_most_ready=most,
        finished_files=finished,
        again_s=round(again.seconds, 1),
        again_enqueued=again.result["enqueued"],
        machine=describe_machine(),
    )


WATERMARK = 2_000


def _write_manifest(path: Path, files: int) -> None:
    with path.open("w") as manifest:
        for number in range(files):
            manifest.write(f'{{"audio": "s3://audio/calls/{number % 365:03d}/{number:08d}.wav"}}\n')


def _command(source: str, output: str, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "funasr_fleet",
        "enqueue",
        source,
        "--output",
        output,
        "--json",
        *more,
    ]


def _enqueue(source: Path | str, output: str) -> _CommandRun:
    """Run the command to its end, and measure it and its child processes."""
    begin, most = time.perf_counter(), 0
    with tempfile.TemporaryFile() as output_file:
        with subprocess.Popen(_command(str(source), output), stdout=output_file) as process:  # noqa: S603
            while process.poll() is None:
                most = max(most, _resident_bytes(process.pid))
                time.sleep(_POLL_INTERVAL_S)
        seconds = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError(f"fleet enqueue ended with code {process.returncode}")
        output_file.seek(0)
        return _CommandRun(seconds=seconds, mib=most >> 20, result=json.loads(output_file.read()))


def _resident_bytes(pid: int) -> int:
    """Return the memory of a process and its children; shared pages are divided (PSS)."""
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        return sum(int(one.memory_full_info().pss) for one in family)
    return 0


def _flush() -> None:
    """Delete all keys in Redis."""
    redis: Any = connect(Settings.load())
    redis.flushall()


def _publish_against_a_watermark(manifest: Path) -> int:
    """Take messages slower than they are published; return the peak number of waiting messages."""
    redis: Any = connect(Settings.load())
    most = 0
    more = ("--max-ready", str(WATERMARK))
    command = _command(str(manifest), "s3://transcripts/watermark/", *more)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        while process.poll() is None:
            time.sleep(_POLL_INTERVAL_S)
            lanes = [key for key in redis.keys("fleet*") if redis.type(key) == "list"]
            most = max(most, sum(redis.llen(key) for key in lanes))
            for key in lanes:
                redis.ltrim(key, _TAKEN_AT_ONCE, -1)
    return most


def _enqueue_finished(stack: Stack, files: int) -> _CommandRun:
    """Enqueue a prefix again whose files all have results."""
    settings = Settings.load()
    WorkerRegistry(connect(settings)).register_model(settings.model, REVISION)
    folder = stack.directory / "s3"
    records = []
    for ref in _finished_refs(files):
        audio = folder / ref.audio.removeprefix("s3://")
        audio.parent.mkdir(parents=True, exist_ok=True)
        audio.write_bytes(ref.relative.encode())
        records.append(_lay_result(folder, ref))
    for number in range(0, files, 50):
        uri = shard_record_uri("s3://transcripts/done/", "before", f"before-{number:06d}")
        path = folder / uri.removeprefix("s3://")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(records[number : number + 50]))
    return _enqueue("s3://audio/done/", "s3://transcripts/done/")


def _finished_refs(files: int) -> Iterator[AudioRef]:
    for number in range(files):
        relative = f"{number % 100:02d}/{number:06d}.wav"
        etag = f'"{hashlib.md5(relative.encode(), usedforsecurity=False).hexdigest()}"'
        audio = f"s3://audio/done/{relative}"
        yield AudioRef(audio=audio, relative=relative, etag=etag, size_bytes=len(relative))


def _lay_result(folder: Path, ref: AudioRef) -> FileRecord:
    """Write a minimal result and return its row."""
    carried = fingerprint(ref, ref.etag or "", REVISION, Options())
    body = json.dumps({"receipt": {"fingerprint": carried, "model_revision": REVISION}}).encode()
    path = folder / f"transcripts/done/{ref.relative}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    return FileRecord(relative=ref.relative, outcome="ok", etag=etag, fingerprint=carried)
