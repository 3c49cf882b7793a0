"""The outputs of one file in the store: read the receipt, write every format, .json last."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contract.job import Format
from contract.layout import error_uri, output_uri
from contract.store import ObjectDenied, ObjectMissing, ObjectStore, StoreError, StoreUnavailable
from contract.transcript import ErrorReport, Transcript
from worker.failures import OutputUnwritable
from worker.rendering import RENDERERS


@dataclass(frozen=True, kw_only=True)
class Made:
    """A result that was found, by its own words."""

    fingerprint: str
    job: str | None
    """The job that made it."""
    outcome: Literal["ok", "empty"]
    audio_s: float
    """Length of what was transcribed."""


def _read(document: Any) -> Made:
    receipt, audio = document["receipt"], document["audio"]
    return Made(
        fingerprint=str(receipt["fingerprint"]),
        job=receipt["job"],
        outcome="ok" if document["segments"] else "empty",
        audio_s=((audio["end_ms"] or 0) - (audio["start_ms"] or 0)) / 1000,
    )


@dataclass(frozen=True)
class Outputs:
    """Where the results of one file lie."""

    store: ObjectStore
    prefix: str
    """s3://bucket/prefix/"""
    relative: str

    def made(self, only_job: str | None) -> Made | None:
        """The result that is there; None where there is none with a receipt.

        Args:
            only_job: with it, only a result of this job will do.

        Raises:
            StoreError: storage fails; that a result is missing or denied is no error.
        """
        try:
            made = _read(json.loads(self.store.read(self._uri("json"))))
        except (ObjectMissing, ObjectDenied):
            return None  # without the right to list, S3 denies what is missing
        except (ValueError, KeyError, TypeError):
            return None  # not ours, or torn: written anew
        return made if only_job is None or made.job == only_job else None

    def etag(self) -> str | None:
        """That of the .json as listings show it; None if storage does not say."""
        try:
            return self.store.head(self._uri("json")).etag
        except StoreError:
            return None

    def _uri(self, extension: str) -> str:
        return output_uri(self.prefix, self.relative, extension)

    def prepare(self, transcript: Transcript, formats: Sequence[Format]) -> None:
        """Write every format but the .json, and remove what an earlier failure left.

        Raises:
            OutputUnwritable: when the store refuses for good.
            StoreUnavailable: when it fails for now.
        """
        for name in sorted(set(formats) - {"json"}):
            self._render(transcript, name)
        self._clear_error()

    def commit(self, transcript: Transcript) -> str:
        """Write the .json, the last of all: it says that the file is done; return its ETag.

        Raises as prepare.
        """
        return self._render(transcript, "json")

    def _render(self, transcript: Transcript, name: Format) -> str:
        renderer = RENDERERS[name]
        return self._put(
            self._uri(renderer.extension), renderer.render(transcript), renderer.content_type
        )

    def write_error(self, report: ErrorReport) -> None:
        """Say why the file failed for good. Raises as prepare does."""
        self._put(error_uri(self.prefix, self.relative), report.to_json(), "application/json")

    def _clear_error(self) -> None:
        with contextlib.suppress(ObjectMissing, ObjectDenied):  # not allowed to: the .json counts
            self.store.delete(error_uri(self.prefix, self.relative))

    def _put(self, uri: str, body: bytes, content_type: str) -> str:
        try:
            return self.store.write(uri, body, content_type)
        except StoreUnavailable:
            raise
        except StoreError as error:
            raise OutputUnwritable(f"results cannot be written: {error}") from error
