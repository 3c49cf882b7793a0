"""Flag the files that need no work, by listing and shard records, else by reading results."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import error_uri, fingerprint, output_uri
from funasr_fleet.producer.dedup.existing import ExistingResults
from funasr_fleet.storage.base import ObjectStore, StoreError
from funasr_fleet.storage.job_documents import DAMAGE

_HOPELESS = ("undecodable_audio", "audio_too_short")
"""Error kinds that a retry of the same bytes cannot fix."""

_READERS = 16
_WINDOW = 1024
"""References checked together; bounds the memory for a long backlog."""
_MAX_REVISIONS = 4
_MAX_OPTIONS = 256

Read = Callable[[], bool]
"""Reads a result or an error report; returns whether the file needs no work."""


@dataclass(kw_only=True)
class UpToDateCheck:
    """Flags references with an up-to-date result, or with audio known to be unusable.

    A context manager; its temporary files are deleted at the end.
    """

    store: ObjectStore
    output: str
    options: Options
    model_revision: str | None
    """Model revision of up-to-date results; None accepts any model."""
    _existing: ExistingResults | None = field(default=None, init=False, repr=False)
    _revisions: list[str] = field(default_factory=list, init=False, repr=False)
    """Revisions to compare with: model_revision, or if it is None, those of the results read."""
    _overlaid: dict[str, Options] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.model_revision is not None:
            self._revisions.append(self.model_revision)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._existing is not None:
            self._existing.close()
            self._existing = None

    def flag(self, refs: Iterable[AudioRef]) -> Iterator[tuple[AudioRef, bool]]:
        """Every reference in order, with a flag: True if it needs no work.

        The outputs are listed once, when the first reference arrives. A HEAD request for the
        audio's ETag is sent only if the reference has none and there is a result to compare.

        Raises:
            StoreError: a storage request failed, or the bucket does not exist.
            TemporaryDiskFull: a hash table cannot be written to disk.
        """
        with ThreadPoolExecutor(_READERS, "result") as readers:
            rest = iter(refs)
            while window := list(itertools.islice(rest, _WINDOW)):
                existing = self.existing()
                etags = self._etags(window, existing, readers)
                pairs = zip(window, etags, strict=True)
                verdicts = [self._judge(ref, etag, existing) for ref, etag in pairs]
                reads = [verdict for verdict in verdicts if not isinstance(verdict, bool)]
                read_verdicts = readers.map(_read, reads)
                for ref, verdict in zip(window, verdicts, strict=True):
                    yield ref, verdict if isinstance(verdict, bool) else next(read_verdicts)

    def existing(self) -> ExistingResults:
        """The existing results; listed at the first call. Raises the errors of `flag`."""
        if self._existing is None:
            existing = ExistingResults()
            try:
                existing.gather(self.store, self.output)
            except BaseException:
                existing.close()
                raise
            self._existing = existing
        return self._existing

    def _etags(
        self, refs: Sequence[AudioRef], existing: ExistingResults, readers: Executor
    ) -> list[str | None]:
        """The ETag of each reference, from storage if needed: manifest rows seldom have one."""
        missing = [ref.etag is None and existing.has_result(ref.relative) for ref in refs]
        uris = [ref.audio for ref, fetch in zip(refs, missing, strict=True) if fetch]
        fetched = readers.map(self._current_etag, uris)
        return [
            next(fetched) if fetch else ref.etag for ref, fetch in zip(refs, missing, strict=True)
        ]

    def _current_etag(self, uri: str) -> str | None:
        """The audio's ETag; None if storage does not return it, so that the file is not skipped."""
        try:
            return self.store.head(uri).etag
        except StoreError:
            return None

    def _judge(self, ref: AudioRef, etag: str | None, existing: ExistingResults) -> bool | Read:
        """Whether the file needs no work, or a function that reads an object to find out."""
        if etag is None:
            return False
        if not existing.has_result(ref.relative):
            return partial(self._is_hopeless, ref) if existing.has_report(ref.relative) else False
        if not existing.is_recorded(ref.relative):
            return partial(self._is_current, ref, etag)
        try:
            options = self._options_of(ref)
        except ValueError:
            return False  # invalid options: the error is reported when the shard is built
        for revision in self._revisions:
            wanted = fingerprint(ref, etag, revision, options)
            if existing.has_fingerprint(ref.relative, wanted):
                return True
        return partial(self._is_current, ref, etag) if self.model_revision is None else False

    def _options_of(self, ref: AudioRef) -> Options:
        """The job's options overlaid with those of the file; cached, as many files share them."""
        if not ref.options:
            return self.options
        wanted = repr(ref.options)
        if wanted not in self._overlaid:
            if len(self._overlaid) >= _MAX_OPTIONS:
                self._overlaid.clear()
            self._overlaid[wanted] = self.options.overlaid(ref)
        return self._overlaid[wanted]

    def _is_current(self, ref: AudioRef, etag: str) -> bool:
        receipt = self._load(output_uri(self.output, ref.relative, "json"))["receipt"]
        revision = self.model_revision or receipt["model_revision"]
        wanted = fingerprint(ref, etag, revision, self.options.overlaid(ref))
        if receipt["fingerprint"] != wanted:
            return False
        if revision not in self._revisions:  # records with this revision are accepted from now on
            self._revisions = [revision, *self._revisions][:_MAX_REVISIONS]
        return True

    def _is_hopeless(self, ref: AudioRef) -> bool:
        """Whether the same whole file failed before, for a reason that lies only in its bytes."""
        report = self._load(error_uri(self.output, ref.relative))
        same = report["audio"]["etag"] == ref.etag
        whole = (ref.start_ms, ref.end_ms, ref.channel) == (None, None, None)
        was_whole = not report["audio"].get("start_ms") and report["audio"].get("channel") is None
        return report["error"]["kind"] in _HOPELESS and same and whole and was_whole

    def _load(self, uri: str) -> Any:
        return json.loads(self.store.read(uri))


def _read(read: Read) -> bool:
    """The verdict of a read; False if the object cannot be read or parsed."""
    try:
        return read()
    except (StoreError, *DAMAGE):
        return False
