"""Reads the state of a finished job from S3 and Redis."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bench.faults.evidence import Ending, Evidence, Leftovers
from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.broker.ledger.keys import Keys
from funasr_fleet.broker.ledger.values import OUTCOMES
from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import JOBS_FOLDER, fingerprint, job_uri
from funasr_fleet.contract.transcript import ErrorKind, ErrorReport, Transcript
from funasr_fleet.producer.planning.parts import read_parts
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectMissing, ObjectStore

_READERS = 8


@dataclass
class _Outputs:
    """The objects below the output prefix."""

    results: set[str] = field(default_factory=set)
    errors: dict[str, ErrorKind] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


def gather(
    job: str, output: str, store: ObjectStore, settings: Settings, options: Options
) -> Evidence:
    """Read the state of a job from S3 and Redis; nothing may be running.

    Args:
        job: its name.
        output: prefix of its results.
        store: object store of the results.
        settings: connection to Redis.
        options: transcription options of all files of the job.
    """
    client: Any = connect(settings)
    ledger = LedgerReader(client, settings.key_prefix)
    refs = dict(_planned(store, output, job))
    outputs = _read_outputs(
        store, output, job, {one.relative: one for one in refs.values()}, options
    )
    return Evidence(
        job=job,
        planned={index: ref.relative for index, ref in refs.items()},
        results=frozenset(outputs.results),
        errors=outputs.errors,
        torn=tuple(outputs.torn),
        strays=tuple(outputs.strays),
        bitmaps={name: frozenset(ledger.indexes(job, name)) for name in OUTCOMES},
        minute_files=sum(one.files for one in ledger.minutes(job)),
        dead=dict(_dead(DeadLetters(client, settings.key_prefix), job)),
        ending=_read_ending(store, output, job),
        leftovers=look_for_leftovers(job, settings),
    )


def look_for_leftovers(job: str, settings: Settings) -> Leftovers:
    """Return the messages, leases and locks that are still held."""
    client: Any = connect(settings)
    prefix = settings.key_prefix
    waiting, _ = LedgerReader(client, prefix).backlog(settings.queue)
    return Leftovers(
        waiting=waiting,
        unacked=tuple(client.hkeys(f"{prefix}unacked")),
        leases=tuple(client.zrange(f"{prefix}unacked_index", 0, -1)),
        claims=tuple(client.scan_iter(f"{prefix}fleet:claim:*", count=1000)),
        open_shards=tuple(client.hkeys(Keys(prefix).job(job, "shards"))),
    )


def results(store: ObjectStore, output: str) -> set[str]:
    """Return the names of files that have a .json, regardless of its content."""
    keys = (one.uri.removeprefix(output) for one in store.list(output))
    plain = (key for key in keys if key.endswith(".json") and not key.endswith(".error.json"))
    return {key.removesuffix(".json") for key in plain if not key.startswith(JOBS_FOLDER)}


def _planned(store: ObjectStore, output: str, job: str) -> Iterator[tuple[int, AudioRef]]:
    for part in read_parts(store, output, job):
        for file in part.files:
            yield file.index, AudioRef.model_validate_json(file.row)


def _read_outputs(
    store: ObjectStore, output: str, job: str, refs: dict[str, AudioRef], options: Options
) -> _Outputs:
    there = {one.uri.removeprefix(output) for one in store.list(output)}
    there = {key for key in there if not key.startswith(JOBS_FOLDER)}
    found = _Outputs()

    def read(relative: str) -> None:
        ref = refs[relative]
        if f"{relative}.json" in there:
            body = store.read(f"{output}{relative}.json")
            wanted = {f"{relative}.{name}" for name in options.formats}
            if _is_own(body, ref, job, options) and wanted <= there:
                found.results.add(relative)
            else:
                found.torn.append(f"{relative}.json")
        if f"{relative}.error.json" in there:
            kind = _error_kind(store.read(f"{output}{relative}.error.json"), ref)
            if kind:
                found.errors[relative] = kind
            else:
                found.torn.append(f"{relative}.error.json")

    with ThreadPoolExecutor(_READERS) as readers:
        list(readers.map(read, refs))
    endings = {"json", *options.formats}
    own = {f"{name}.{ending}" for name in found.results for ending in endings}
    own |= {f"{name}.error.json" for name in found.errors} | set(found.torn)
    found.strays += sorted(there - own)
    return found


def _is_own(body: bytes, ref: AudioRef, job: str, options: Options) -> bool:
    """Whether a transcript is complete, and its receipt belongs to this file and this job."""
    try:
        transcript = Transcript.model_validate_json(body)
    except ValueError:
        return False
    receipt, etag = transcript.receipt, transcript.audio.etag
    if etag is None or transcript.audio.uri != ref.audio or receipt.job != job:
        return False
    return receipt.fingerprint == fingerprint(ref, etag, receipt.model_revision, options)


def _error_kind(body: bytes, ref: AudioRef) -> ErrorKind | None:
    try:
        report = ErrorReport.model_validate_json(body)
    except ValueError:
        return None
    return report.error.kind if report.audio.uri == ref.audio else None


def _read_ending(store: ObjectStore, output: str, job: str) -> Ending:
    def read(name: str) -> bytes | None:
        try:
            return store.read(job_uri(output, job, name))
        except ObjectMissing:
            return None

    report = read("report.json")
    failed = [json.loads(line)["index"] for line in (read("failures.jsonl") or b"").splitlines()]
    return Ending(
        report=json.loads(report) if report else None,
        failed=tuple(failed),
        success=read("_SUCCESS") is not None,
    )


def _dead(letters: DeadLetters, job: str) -> Iterator[tuple[str, str]]:
    for letter in letters.all():
        document = letter.document if isinstance(letter.document, dict) else {}
        if document.get("job") == job:
            for file in document.get("files", ()):
                yield file.get("relative") or file["audio"], letter.reason
