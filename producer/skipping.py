"""What already has its result: one listing of the outputs, then the receipts of what is there."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contract.job import AudioRef, Options
from contract.layout import fingerprint, output_uri
from contract.store import ObjectDenied, ObjectStore, StoreError

_READERS = 16
_WINDOW = 1024
"""References looked at together; bounds the memory of a long backlog."""


@dataclass(frozen=True, kw_only=True)
class DoneCheck:
    """Tells which references have a current result below an output prefix."""

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
        uri = output_uri(self.output, ref.relative, "json")
        if uri not in present or ref.etag is None:
            return False
        try:
            receipt = json.loads(self.store.read(uri))["receipt"]
            revision = self.model_revision or receipt["model_revision"]
            wanted = fingerprint(ref, ref.etag, revision, self.options.overlaid(ref))
            return bool(receipt["fingerprint"] == wanted)
        except (StoreError, ValueError, KeyError, TypeError):
            return False


def _windows(refs: Iterable[AudioRef]) -> Iterator[list[AudioRef]]:
    window: list[AudioRef] = []
    for ref in refs:
        window.append(ref)
        if len(window) == _WINDOW:
            yield window
            window = []
    if window:
        yield window
