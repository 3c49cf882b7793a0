"""Checks of S3: credentials, reading and writing."""

import uuid
from collections.abc import Iterator

from funasr_fleet.contract.layout import check_output
from funasr_fleet.doctor import Finding
from funasr_fleet.settings import BadConfiguration
from funasr_fleet.storage.base import (
    CredentialsRefused,
    ObjectDenied,
    ObjectStore,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.storage.s3 import S3Store

_NOT_DELETED = (
    "grant s3:DeleteObject: without it, an old .error.json stays beside a later result, and a job "
    "with failures cannot be closed, because closing it deletes _SUCCESS"
)
"""worker.pipeline.output_store and broker.job_finalizer delete these objects."""


def check_storage(audio: str | None, output: str | None) -> Iterator[Finding]:
    """Check the credentials, then reading and writing below the given prefixes."""
    try:
        store = S3Store()
        store.check()
    except (StoreError, BadConfiguration) as error:
        yield _failed("S3", error)
        return
    yield Finding("S3", "ok", "storage answers and accepts the credentials")
    yield read_below(store, audio) if audio else _no_prefix("S3 read", "--audio")
    yield write_below(store, output) if output else _no_prefix("S3 write", "--output")


def _no_prefix(row: str, option: str) -> Finding:
    return Finding(row, "skipped", f"give a prefix with {option} s3://bucket/prefix/")


def read_below(store: ObjectStore, prefix: str) -> Finding:
    """List the first object below a prefix, and read one byte of it."""
    try:
        first = next(iter(store.list(prefix)), None)
        if first is None:
            return Finding(
                "S3 read", "warning", f"there is no object below {prefix}", "check the prefix"
            )
        store.open_range(first.uri, 0, min(1, first.size_bytes))
    except StoreError as error:
        return _failed("S3 read", error)
    return Finding("S3 read", "ok", f"{first.uri} can be listed and read")


def write_below(store: ObjectStore, prefix: str) -> Finding:
    """Write, read and delete a small object below a prefix, which must be a valid --output."""
    try:
        check_output(prefix)
    except ValueError as error:
        advice = "correct it: `fleet enqueue` rejects it too"
        return Finding("S3 write", "error", f"--output {error}", advice)
    uri, body = f"{prefix}_doctor/{uuid.uuid4()}", b"written by fleet doctor\n"
    try:
        store.write(uri, body, "text/plain")
        same = store.read(uri) == body
        deleted = _is_deleted(store, uri)
    except StoreError as error:
        return _failed("S3 write", error)
    if not same:
        advice = "use storage with read-after-write consistency for results"
        return Finding("S3 write", "error", f"{uri} reads back other content", advice)
    if not deleted:
        detail = f"objects below {prefix} can be written and read, but not deleted: {uri} stays"
        return Finding("S3 write", "warning", detail, _NOT_DELETED)
    return Finding("S3 write", "ok", f"objects below {prefix} can be written, read and deleted")


def _is_deleted(store: ObjectStore, uri: str) -> bool:
    """Delete the object; False if that is denied. Results can be written nevertheless."""
    try:
        store.delete(uri)
    except ObjectDenied:
        return False
    return True


def _failed(row: str, error: StoreError | BadConfiguration) -> Finding:
    advice = (type(error).__doc__ or "").strip()
    unreachable = isinstance(error, StoreUnavailable) and not isinstance(error, CredentialsRefused)
    return Finding(row, "error", str(error), advice, unreachable=unreachable)
