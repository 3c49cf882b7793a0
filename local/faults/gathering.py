"""Read what a job left behind, in S3 and in Redis."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from contract.dead_letters import DeadLetters
from contract.job import AudioRef, Options
from contract.layout import JOBS_FOLDER, fingerprint, job_uri
from contract.ledger import Ledger, connect
from contract.ledger.keys import Keys
from contract.ledger.values import OUTCOMES
from contract.settings import Settings
from contract.store import ObjectMissing, ObjectStore
from contract.transcript import ErrorKind, ErrorReport, Transcript
from local.faults.evidence import Ending, Evidence, Leftovers
from producer.planning.parts import read_parts

_READERS = 8


@dataclass
class _Outputs:
    """What lies below the output prefix."""

    results: set[str] = field(default_factory=set)
    errors: dict[str, ErrorKind] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


def gather(
    job: str, output: str, store: ObjectStore, settings: Settings, options: Options
) -> Evidence:
    """Look everywhere; nothing may be at work.

    Args:
        job: its name.
        output: prefix of its results.
        store: where they are.
        settings: where Redis is.
        options: what all of its files were to be transcribed with.
    """
    client: Any = connect(settings)
    ledger = Ledger(client, settings.key_prefix)
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
    """What somebody still holds of the fleet's messages and shards."""
    client: Any = connect(settings)
    prefix = settings.key_prefix
    waiting, _ = Ledger(client, prefix).backlog(settings.queue)
    return Leftovers(
        waiting=waiting,
        unacked=tuple(client.hkeys(f"{prefix}unacked")),
        leases=tuple(client.zrange(f"{prefix}unacked_index", 0, -1)),
        claims=tuple(client.scan_iter(f"{prefix}fleet:claim:*", count=1000)),
        open_shards=tuple(client.hkeys(Keys(prefix).job(job, "shards"))),
    )


def results(store: ObjectStore, output: str) -> set[str]:
    """Names of the files that have a .json, whatever is in it."""
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
    """Whether a transcript is whole, and its receipt is one of this file and this job."""
    try:
        told = Transcript.model_validate_json(body)
    except ValueError:
        return False
    receipt, etag = told.receipt, told.audio.etag
    if etag is None or told.audio.uri != ref.audio or receipt.job != job:
        return False
    return receipt.fingerprint == fingerprint(ref, etag, receipt.model_revision, options)


def _error_kind(body: bytes, ref: AudioRef) -> ErrorKind | None:
    try:
        told = ErrorReport.model_validate_json(body)
    except ValueError:
        return None
    return told.error.kind if told.audio.uri == ref.audio else None


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
