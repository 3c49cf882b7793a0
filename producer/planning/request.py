"""The request of a job, saved in S3 as job.json so that the job can be resumed."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from pydantic import ValidationError

from funasr_fleet.contract.invalid_fields import explain
from funasr_fleet.contract.job import Options
from funasr_fleet.contract.layout import FIRST_OPTIONS, job_uri
from funasr_fleet.producer.arguments import (
    check_number,
    check_prefix,
    check_priority,
)
from funasr_fleet.producer.errors import JobRefused
from funasr_fleet.producer.planning.packing import ShardLimits
from funasr_fleet.storage.base import ObjectMissing, ObjectStore
from funasr_fleet.storage.job_documents import DAMAGE


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """The arguments of the command that started a job; see api.EnqueueOptions."""

    sources: tuple[str, ...]
    output: str
    options: Options = field(default_factory=Options)
    upload: str | None = None
    priority: int = 4
    overwrite: bool = False
    limits: ShardLimits = field(default_factory=ShardLimits)
    since: float | None = None
    """Only objects modified at or after this time, in seconds since the epoch."""
    limit: int | None = None
    """Maximum number of files."""
    suffixes: tuple[str, ...] = ()
    """Suffixes that count as audio when a prefix is listed; empty for the default."""
    model: str | None = None
    """Model of the job; None for the model that serves the settings' queue."""

    def check(self) -> None:
        """Check the arguments that can be checked without Redis and S3. Raises BadArgument."""
        check_prefix("output", self.output)
        if self.upload is not None:
            check_prefix("upload", self.upload)
        check_priority(self.priority)
        check_number("limit", self.limit, 1, whole=True)
        check_number("limits.files", self.limits.files, 1, whole=True, required=True)
        check_number("limits.seconds", self.limits.seconds, 1, required=True)

    def to_json(self) -> dict[str, Any]:
        """The document job.json. It contains the hotwords, which are needed to resume the job.

        Fields added after the first release are written only if they are used. So requests of the
        first release keep their digest, and their jobs can be resumed.
        """
        document = {**asdict(self), "options": _options_document(self.options)}
        if self.model is None:
            del document["model"]
        return document

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Parse the document job.json."""
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        return cls(
            **{
                **known,
                "options": Options.model_validate(document["options"]),
                "limits": ShardLimits(**document["limits"]),
                "sources": tuple(document["sources"]),
                "suffixes": tuple(document["suffixes"]),
            }
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the request; equal for the same command."""
        return _digest(self.to_json())


def _digest(document: dict[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _options_document(options: Options) -> dict[str, Any]:
    changed = options.model_dump(mode="json", exclude_defaults=True)
    return {**options.model_dump(mode="json", include=FIRST_OPTIONS), **changed}


def write_request(store: ObjectStore, job: str, request: JobRequest, started_at: str) -> None:
    """Save the request and the start time of the job. Raises StoreError."""
    body = json.dumps({"begun": started_at, **request.to_json()}).encode() + b"\n"
    store.write(job_uri(request.output, job, "job.json"), body, "application/json")


def read_request(store: ObjectStore, output: str, job: str) -> JobRequest | None:
    """The request of a job; None if S3 has no such job.

    Raises:
        JobRefused: an earlier release accepted options that this one does not, or job.json is not
            a valid request for this output.
        StoreError: an S3 request failed.
    """
    document = _read_document(store, output, job, "job.json")
    if document is None:
        return None
    try:
        request = JobRequest.from_json(document)
        request.check()
        if request.output != output:  # results must not be written elsewhere
            raise ValueError("its output is another prefix")
        return request
    except ValidationError as error:
        raise JobRefused(
            f"job {job} was started by an earlier release with options that are not valid in this "
            f"one ({explain(error)}): cancel it and enqueue its files in a new job"
        ) from None
    except DAMAGE as error:
        raise _invalid(output, job, "job.json", error) from None


def has_request(store: ObjectStore, output: str, job: str) -> bool:
    """Whether S3 has the request of a job. Raises StoreError."""
    return _read_document(store, output, job, "job.json") is not None


def is_same_request(store: ObjectStore, job: str, request: JobRequest, digest: str) -> bool:
    """Whether a job was started with this request.

    An earlier release may have saved the same options in another form, such as ZH for zh. In that
    case the saved document has the digest, and equals this request after it is parsed.

    Args:
        store: where the saved request is.
        job: name of the job.
        request: the request of the current command.
        digest: digest of the job's request, from the ledger.

    Raises:
        StoreError: an S3 request failed.
    """
    if digest == request.digest:
        return True
    document = _read_document(store, request.output, job, "job.json")
    if document is None or digest != _digest(_without_start(document)):
        return False
    try:
        return JobRequest.from_json(document) == request
    except DAMAGE:
        return False


def _without_start(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "begun"}


def _read_document(store: ObjectStore, output: str, job: str, name: str) -> dict[str, Any] | None:
    """A JSON document of the job; None if S3 has none. Raises JobRefused and StoreError."""
    try:
        document = json.loads(store.read(job_uri(output, job, name)))
    except ObjectMissing:
        return None
    except DAMAGE as error:
        raise _invalid(output, job, name, error) from None
    if not isinstance(document, dict):
        raise _invalid(output, job, name, "not a JSON object")
    return document


def _invalid(output: str, job: str, name: str, why: object) -> JobRefused:
    return JobRefused(
        f"{job_uri(output, job, name)} is not valid: {why!s:.100}; restore it, or enqueue "
        "the files in a new job"
    )


def read_start_time(store: ObjectStore, output: str, job: str) -> str:
    """The start time of the job, ISO 8601. Raises JobRefused and StoreError."""
    begun = (_read_document(store, output, job, "job.json") or {}).get("begun")
    try:
        datetime.fromisoformat(begun or "")
    except DAMAGE as error:
        raise _invalid(output, job, "job.json", error) from None
    return str(begun)


PLANNED = "planned.json"
"""Marker object; written when the parts contain every file of the job."""


def write_planned(store: ObjectStore, output: str, job: str, windows: int) -> None:
    """Mark the plan as complete. Raises StoreError."""
    body = json.dumps({"windows": windows}).encode() + b"\n"
    store.write(job_uri(output, job, PLANNED), body, "application/json")


def read_planned(store: ObjectStore, output: str, job: str) -> int | None:
    """Number of windows of a complete plan; None while it is incomplete.

    Raises JobRefused and StoreError.
    """
    document = _read_document(store, output, job, PLANNED)
    if document is None:
        return None
    windows = document.get("windows")
    if type(windows) is not int or windows < 0:
        raise _invalid(output, job, PLANNED, "windows must be a whole number")
    return windows
