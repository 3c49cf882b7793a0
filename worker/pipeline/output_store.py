"""Reads and writes the outputs of one file; the .json, which holds the receipt, is written last."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from funasr_fleet.contract.audio_address import MAX_ADDRESS_CHARS, shown
from funasr_fleet.contract.job import AudioRef, Format
from funasr_fleet.contract.layout import error_uri, is_whole, output_uri
from funasr_fleet.contract.result_summary import length_ms, outcome_of, time_ms, warnings_of
from funasr_fleet.contract.transcript import ErrorReport, Transcript
from funasr_fleet.storage.base import (
    BucketMissing,
    BucketNotAllowed,
    ObjectDenied,
    ObjectMissing,
    ObjectStore,
    StoreError,
    StoreUnavailable,
)
from funasr_fleet.worker.errors import OutputNameTaken, OutputRefused, OutputUnwritable
from funasr_fleet.worker.formats import RENDERERS

_TEST_NAME = "~funasr-fleet-write-test"
"""No output of a file has this name, which ends with no format."""

AudioSourceRange = tuple[str, int, int | None, int | None]
"""Address of the audio without secrets, start and end of the range in ms, and channel."""


@dataclass(frozen=True, kw_only=True)
class ExistingResult:
    """A result found in the store, as its receipt describes it."""

    fingerprint: str
    job: str | None
    """The job that wrote it."""
    outcome: Literal["ok", "empty"]
    audio_s: float
    """Length of the transcribed audio."""
    source: AudioSourceRange
    """What was transcribed."""
    duration_ms: int | None
    """Length of the whole audio."""
    warnings: tuple[str, ...] = ()

    def check_owner(self, ref: AudioRef, job: str | None) -> None:
        """Check that the result, which a file of a job will replace, is not another file's.

        Raises:
            OutputNameTaken: the job has written it for another audio, range or channel.
        """
        ends = [ms for ms in (ref.end_ms, self.duration_ms) if ms is not None]
        source = shown(ref.audio), ref.start_ms or 0, min(ends, default=None), ref.channel
        if job and self.job == job and self.source != source:
            raise OutputNameTaken(
                f"job {job} has a result of {self.source[0]} with the output name {ref.relative}; "
                "send this file with another `relative`, or in another job"
            )


def _read(body: bytes) -> ExistingResult:
    document = json.loads(body)
    receipt, audio = document["receipt"], document["audio"]
    uri = str(audio["uri"])
    if len(uri) > MAX_ADDRESS_CHARS or not is_whole(uri):
        raise ValueError("uri is not an address")
    return ExistingResult(
        fingerprint=str(receipt["fingerprint"]),
        job=receipt["job"],
        outcome=outcome_of(document),
        audio_s=length_ms(document) / 1000,
        source=(uri, audio["start_ms"] or 0, audio["end_ms"], audio["channel"]),
        duration_ms=time_ms(document, "duration_ms"),
        warnings=warnings_of(document),
    )


@dataclass(frozen=True)
class Outputs:
    """The outputs of one file."""

    store: ObjectStore
    prefix: str
    """s3://bucket/prefix/"""
    relative: str

    def existing(self, only_job: str | None) -> ExistingResult | None:
        """The existing result; None if there is none with a readable receipt.

        Args:
            only_job: accept only a result of this job; None accepts any.

        Raises:
            StoreError: storage failed. A missing or denied result returns None instead.
        """
        try:
            existing = _read(self.store.read(self._uri("json")))
        except (ObjectMissing, ObjectDenied):
            return None  # S3 answers "denied" for a missing object without list permission
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None  # not one of our documents, or truncated: overwrite it
        return existing if only_job is None or existing.job == only_job else None

    def etag(self) -> str | None:
        """ETag of the .json as listings show it; None if storage returns none."""
        try:
            return self.store.head(self._uri("json")).etag
        except StoreError:
            return None

    def _uri(self, extension: str) -> str:
        return output_uri(self.prefix, self.relative, extension)

    def prepare(self, transcript: Transcript, formats: Sequence[Format]) -> None:
        """Write every format except .json, and delete the .error.json of an earlier failure.

        Raises:
            OutputRefused: the store refuses this write permanently.
            OutputUnwritable: the store refuses every write to the bucket permanently.
            StoreUnavailable: the store fails temporarily.
        """
        for name in sorted(set(formats) - {"json"}):
            self._render(transcript, name)
        # without permission to delete, the .error.json stays; the .json marks the file as done
        with contextlib.suppress(ObjectMissing, ObjectDenied):
            self.store.delete(error_uri(self.prefix, self.relative))

    def commit(self, transcript: Transcript) -> str:
        """Write the .json and return its ETag. It is written last, since it marks the file as done.

        Raises as prepare does.
        """
        return self._render(transcript, "json")

    def _render(self, transcript: Transcript, name: Format) -> str:
        renderer = RENDERERS[name]
        return self._put(
            self._uri(renderer.extension), renderer.render(transcript), renderer.content_type
        )

    def write_error(self, report: ErrorReport) -> None:
        """Write the .error.json of a file that failed permanently. Raises as prepare does."""
        self._put(error_uri(self.prefix, self.relative), report.to_json(), "application/json")

    def check_writable(self) -> None:
        """Check that the prefix is writable, with an object that is deleted. Raises as prepare."""
        uri = f"{self.prefix}{_TEST_NAME}"
        self._put(uri, b"test", "text/plain")
        with contextlib.suppress(StoreError):
            self.store.delete(uri)

    def _put(self, uri: str, body: bytes, content_type: str) -> str:
        try:
            return self.store.write(uri, body, content_type)
        except StoreUnavailable:
            raise
        except (BucketMissing, BucketNotAllowed) as error:
            raise OutputUnwritable(f"cannot write results: {error}") from error
        except StoreError as error:
            raise OutputRefused(f"cannot write results: {error}") from error
