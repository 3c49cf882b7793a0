"""S3: may be read and written."""

import uuid
from collections.abc import Iterator

from contract.job import check_output
from contract.s3 import S3Store
from contract.settings import BadConfiguration
from contract.store import ObjectDenied, ObjectStore, StoreError, StoreUnavailable
from doctor.finding import Finding

_NOT_DELETED = (
    "grant s3:DeleteObject: without it an old .error.json stays beside the result that came after "
    "it, and a job with failures, which removes _SUCCESS at its end, does not end"
)
"""See worker.results and contract.closing."""


def look_at_storage(audio: str | None, output: str | None) -> Iterator[Finding]:
    """Credentials, then reading and writing where somebody says where."""
    try:
        store = S3Store()
        store.check()
    except (StoreError, BadConfiguration) as error:
        yield _failed("S3", error)
        return
    yield Finding("S3", "ok", "answers, and knows the credentials")
    yield read_below(store, audio) if audio else _unasked("S3 read", "--audio")
    yield write_below(store, output) if output else _unasked("S3 write", "--output")


def _unasked(row: str, option: str) -> Finding:
    return Finding(row, "skipped", f"say where with {option} s3://bucket/prefix/")


def read_below(store: ObjectStore, prefix: str) -> Finding:
    """List the first object below a prefix, and read of it."""
    try:
        first = next(iter(store.list(prefix)), None)
        if first is None:
            return Finding(
                "S3 read", "warning", f"there is nothing below {prefix}", "check the prefix"
            )
        store.open_range(first.uri, 0, min(1, first.size_bytes))
    except StoreError as error:
        return _failed("S3 read", error)
    return Finding("S3 read", "ok", f"{first.uri} is listed and can be read")


def write_below(store: ObjectStore, prefix: str) -> Finding:
    """Write a small object, read it, and delete it, where `fleet enqueue` would write."""
    try:
        check_output(prefix)
    except ValueError as error:
        advice = "`fleet enqueue` refuses it, too: correct it"
        return Finding("S3 write", "error", f"--output {error}", advice)
    uri, body = f"{prefix}_doctor/{uuid.uuid4()}", b"written by fleet doctor\n"
    try:
        store.write(uri, body, "text/plain")
        same = store.read(uri) == body
        deleted = _is_deleted(store, uri)
    except StoreError as error:
        return _failed("S3 write", error)
    if not same:
        advice = "this is no storage for results: what is written must be there at once"
        return Finding("S3 write", "error", f"{uri} reads other than it was written", advice)
    if not deleted:
        told = f"below {prefix} one can write and read, but not delete: {uri} stays"
        return Finding("S3 write", "warning", told, _NOT_DELETED)
    return Finding("S3 write", "ok", f"below {prefix} one can write, read and delete")


def _is_deleted(store: ObjectStore, uri: str) -> bool:
    """False where that is denied: workers write their results all the same."""
    try:
        store.delete(uri)
    except ObjectDenied:
        return False
    return True


def _failed(row: str, error: StoreError | BadConfiguration) -> Finding:
    advice = (type(error).__doc__ or "").strip()
    unreachable = isinstance(error, StoreUnavailable)
    return Finding(row, "error", str(error), advice, unreachable=unreachable)
