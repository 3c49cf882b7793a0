"""What already has its outcome: one listing of the outputs, then the receipts of what is there."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from contract.job import AudioRef, Options
from contract.layout import error_uri, fingerprint, output_uri
from contract.store import ObjectDenied, ObjectStore, StoreError

_HOPELESS = ("undecodable_audio", "audio_too_short")
"""Failures that trying the same bytes again does not mend."""

_READERS = 16
_WINDOW = 1024
"""References looked at together; bounds the memory of a long backlog."""


@dataclass(frozen=True, kw_only=True)
class DoneCheck:
    """Tells which references need no work: a current result, or bytes known to be no audio."""

    store: ObjectStore
    output: str
    options: Options
    model_revision: str | None
    """What workers say they have loaded; None accepts whichever model made the result."""

    def mark(self, refs: Iterable[AudioRef]) -> Iterator[tuple[AudioRef, bool]]:
        """Every reference in order, with whether its result is there already."""
        present = self._present()
        with ThreadPoolExecutor(_READERS) as readers:
            for window in _windows(refs):
                done = readers.map(lambda ref: self._is_done(ref, present), window)
                yield from zip(window, done, strict=True)

    def _present(self) -> set[str]:
        try:
            return {found.uri for found in self.store.list(self.output)}
        except ObjectDenied:
            return set()  # the worker finds out what is done

    def _is_done(self, ref: AudioRef, present: set[str]) -> bool:
        result = output_uri(self.output, ref.relative, "json")
        report = error_uri(self.output, ref.relative)
        if ref.etag is None:
            return False
        try:
            if result in present:
                return self._is_current(ref, ref.etag, json.loads(self.store.read(result)))
            return report in present and _is_hopeless(ref, json.loads(self.store.read(report)))
        except (StoreError, ValueError, KeyError, TypeError):
            return False

    def _is_current(self, ref: AudioRef, etag: str, transcript: Any) -> bool:
        receipt = transcript["receipt"]
        revision = self.model_revision or receipt["model_revision"]
        wanted = fingerprint(ref, etag, revision, self.options.overlaid(ref))
        return bool(receipt["fingerprint"] == wanted)


def _is_hopeless(ref: AudioRef, report: Any) -> bool:
    """Whether the very same bytes, taken whole, failed for a reason that lies in them alone."""
    same = report["audio"]["etag"] == ref.etag
    whole = (ref.start_ms, ref.end_ms, ref.channel) == (None, None, None)
    asked_whole = not report["audio"].get("start_ms") and report["audio"].get("channel") is None
    return report["error"]["kind"] in _HOPELESS and same and whole and asked_whole


def _windows(refs: Iterable[AudioRef]) -> Iterator[list[AudioRef]]:
    window: list[AudioRef] = []
    for ref in refs:
        window.append(ref)
        if len(window) == _WINDOW:
            yield window
            window = []
    if window:
        yield window
