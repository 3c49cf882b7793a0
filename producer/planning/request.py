"""What a job was asked for, kept in S3 so that it can be gone on with."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from contract.job import Options
from contract.layout import job_uri
from contract.store import ObjectMissing, ObjectStore
from producer.planning.packing import ShardLimits


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """The command that began a job."""

    sources: tuple[str, ...]
    output: str
    options: Options = field(default_factory=Options)
    upload: str | None = None
    priority: int = 4
    overwrite: bool = False
    limits: ShardLimits = field(default_factory=ShardLimits)
    since: float | None = None
    """Only objects written at this time or later; seconds since the epoch."""
    limit: int | None = None
    """So many files at most."""
    suffixes: tuple[str, ...] = ()
    """What counts as audio when a prefix is listed; empty for the usual endings."""
    model: str | None = None
    """The model that is to do it; None for the one of the settings' queue."""

    def to_json(self) -> dict[str, Any]:
        """The document job.json; hotwords are in it, nobody can go on with the job without.

        What later releases have brought is there only where it is used: so requests of the first
        one keep their digest, and their jobs can be gone on with.
        """
        document = {**asdict(self), "options": _said_of(self.options)}
        if self.model is None:
            del document["model"]
        return document

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read job.json."""
        said = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        return cls(
            **{
                **said,
                "options": Options.model_validate(document["options"]),
                "limits": ShardLimits(**document["limits"]),
                "sources": tuple(document["sources"]),
                "suffixes": tuple(document["suffixes"]),
            }
        )

    @property
    def digest(self) -> str:
        """The same for the same command."""
        canonical = json.dumps(self.to_json(), sort_keys=True, default=list)
        return hashlib.sha256(canonical.encode()).hexdigest()


_FIRST_OPTIONS = {"formats", "language", "hotwords", "timestamps", "speakers", "channels"}
"""Of the first release; they are written down whatever they are."""


def _said_of(options: Options) -> dict[str, Any]:
    said = options.model_dump(mode="json", exclude_defaults=True)
    return {**options.model_dump(mode="json", include=_FIRST_OPTIONS), **said}


def write_request(store: ObjectStore, job: str, request: JobRequest, begun: str) -> None:
    """Keep what was asked for, and when. Raises StoreError."""
    body = json.dumps({"begun": begun, **request.to_json()}).encode() + b"\n"
    store.write(job_uri(request.output, job, "job.json"), body, "application/json")


def read_request(store: ObjectStore, output: str, job: str) -> JobRequest | None:
    """What was asked for; None when S3 knows no such job. Raises StoreError."""
    try:
        return JobRequest.from_json(json.loads(store.read(job_uri(output, job, "job.json"))))
    except ObjectMissing:
        return None


def read_begun(store: ObjectStore, output: str, job: str) -> str:
    """When the job was begun, ISO 8601. Raises StoreError."""
    return str(json.loads(store.read(job_uri(output, job, "job.json")))["begun"])


PLANNED = "planned.json"
"""Written when every file of the job is in its parts."""


def write_planned(store: ObjectStore, output: str, job: str, windows: int) -> None:
    """The plan is whole. Raises StoreError."""
    body = json.dumps({"windows": windows}).encode() + b"\n"
    store.write(job_uri(output, job, PLANNED), body, "application/json")


def read_planned(store: ObjectStore, output: str, job: str) -> int | None:
    """How many windows the plan has; None while it is not whole. Raises StoreError."""
    try:
        return int(json.loads(store.read(job_uri(output, job, PLANNED)))["windows"])
    except ObjectMissing:
        return None
