"""The outputs of one file in the store: read the receipt, write every format, .json last."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from contract.job import Format
from contract.layout import error_uri, output_uri
from contract.store import ObjectDenied, ObjectMissing, ObjectStore, StoreError, StoreUnavailable
from contract.transcript import ErrorReport, Transcript
from worker.failures import OutputUnwritable
from worker.rendering import RENDERERS


@dataclass(frozen=True)
class Outputs:
    """Where the results of one file lie."""

    store: ObjectStore
    prefix: str
    """s3://bucket/prefix/"""
    relative: str

    def fingerprint(self, only_job: str | None) -> str | None:
        """What the result that is there carries; None where there is none with a receipt.

        Args:
            only_job: with it, only a result of this job will do.

        Raises:
            StoreError: storage fails; that a result is missing or denied is no error.
        """
        try:
            receipt = json.loads(self.store.read(output_uri(self.prefix, self.relative, "json")))[
                "receipt"
            ]
            will_do = only_job is None or receipt["job"] == only_job
            return str(receipt["fingerprint"]) if will_do else None
        except (ObjectMissing, ObjectDenied):
            return None  # without the right to list, S3 denies what is missing
        except (ValueError, KeyError, TypeError):
            return None  # not ours, or torn: written anew

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
        uri = output_uri(self.prefix, self.relative, renderer.extension)
        return self._put(uri, renderer.render(transcript), renderer.content_type)

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
