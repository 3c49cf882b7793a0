"""What already has its outcome: by the evidence of listing and records, else by reading it."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from contract.job import AudioRef, Options
from contract.layout import error_uri, fingerprint, output_uri
from contract.store import ObjectStore, StoreError
from producer.done.evidence import Evidence

_HOPELESS = ("undecodable_audio", "audio_too_short")
"""Failures that trying the same bytes again does not mend."""

_READERS = 16
_WINDOW = 1024
"""References looked at together; bounds the memory of a long backlog."""
_MOST_REVISIONS = 4
_MOST_OPTIONS = 256

Look = Callable[[], bool]
"""Reads a result or a report, and says whether the file is done."""


@dataclass(kw_only=True)
class DoneCheck:
    """Tells which references need no work: a current result, or bytes known to be no audio.

    A context manager: what it notes on disk goes at the end.
    """

    store: ObjectStore
    output: str
    options: Options
    model_revision: str | None
    """What workers say they have loaded; None accepts whichever model made the result."""
    _evidence: Evidence | None = field(default=None, init=False, repr=False)
    _met: list[str] = field(default_factory=list, init=False, repr=False)
    """Revisions to compare with; while no worker has said its own, those of results read."""
    _overlaid: dict[str, Options] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.model_revision is not None:
            self._met.append(self.model_revision)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._evidence is not None:
            self._evidence.close()
            self._evidence = None

    def mark(self, refs: Iterable[AudioRef]) -> Iterator[tuple[AudioRef, bool]]:
        """Every reference in order, with whether its result is there already.

        The outputs are listed when the first reference comes, and once. Audio is asked for its
        ETag only where the reference has none, and only if there is a result to compare.

        Raises:
            StoreError: storage fails, or there is no such bucket.
            TemporaryDiskFull: what was found cannot be noted.
        """
        with ThreadPoolExecutor(_READERS, "result") as readers:
            for window in _windows(refs):
                evidence = self.gathered()
                etags = self._etags(window, evidence, readers)
                pairs = zip(window, etags, strict=True)
                verdicts = [self._judge(ref, etag, evidence) for ref, etag in pairs]
                looks = [verdict for verdict in verdicts if not isinstance(verdict, bool)]
                seen = readers.map(_look, looks)
                for ref, verdict in zip(window, verdicts, strict=True):
                    yield ref, verdict if isinstance(verdict, bool) else next(seen)

    def gathered(self) -> Evidence:
        """What listing and records say; they are read at the first call. Raises as mark does."""
        if self._evidence is None:
            evidence = Evidence()
            try:
                evidence.gather(self.store, self.output)
            except BaseException:
                evidence.close()
                raise
            self._evidence = evidence
        return self._evidence

    def _etags(
        self, refs: Sequence[AudioRef], evidence: Evidence, readers: Executor
    ) -> list[str | None]:
        """The ETag of each reference; rows of a manifest seldom have one, so storage says it."""
        asked = [ref.etag is None and evidence.has_result(ref.relative) for ref in refs]
        uris = [ref.audio for ref, ask in zip(refs, asked, strict=True) if ask]
        told = readers.map(self._etag_now, uris)
        return [next(told) if ask else ref.etag for ref, ask in zip(refs, asked, strict=True)]

    def _etag_now(self, uri: str) -> str | None:
        """What the audio's ETag is; None if storage does not say: then nothing is proven."""
        try:
            return self.store.head(uri).etag
        except StoreError:
            return None

    def _judge(self, ref: AudioRef, etag: str | None, evidence: Evidence) -> bool | Look:
        """Whether it is done, as far as the evidence tells; else what must be read to know."""
        if etag is None:
            return False
        if not evidence.has_result(ref.relative):
            return partial(self._is_hopeless, ref) if evidence.has_report(ref.relative) else False
        if not evidence.is_told(ref.relative):
            return partial(self._is_current, ref, etag)
        try:
            options = self._options_of(ref)
        except ValueError:
            return False  # they are none: whoever makes a shard of them says so
        for revision in self._met:
            if evidence.proves(ref.relative, fingerprint(ref, etag, revision, options)):
                return True
        return partial(self._is_current, ref, etag) if self.model_revision is None else False

    def _options_of(self, ref: AudioRef) -> Options:
        """The job's options with those of the file laid over them; many files have the same."""
        if not ref.options:
            return self.options
        wanted = repr(ref.options)
        if wanted not in self._overlaid:
            if len(self._overlaid) >= _MOST_OPTIONS:
                self._overlaid.clear()
            self._overlaid[wanted] = self.options.overlaid(ref)
        return self._overlaid[wanted]

    def _is_current(self, ref: AudioRef, etag: str) -> bool:
        receipt = self._load(output_uri(self.output, ref.relative, "json"))["receipt"]
        revision = self.model_revision or receipt["model_revision"]
        wanted = fingerprint(ref, etag, revision, self.options.overlaid(ref))
        if receipt["fingerprint"] != wanted:
            return False
        if revision not in self._met:  # now the evidence of others of its kind will do
            self._met = [revision, *self._met][:_MOST_REVISIONS]
        return True

    def _is_hopeless(self, ref: AudioRef) -> bool:
        """Whether the very same bytes, taken whole, failed for a reason that lies in them alone."""
        report = self._load(error_uri(self.output, ref.relative))
        same = report["audio"]["etag"] == ref.etag
        whole = (ref.start_ms, ref.end_ms, ref.channel) == (None, None, None)
        asked_whole = not report["audio"].get("start_ms") and report["audio"].get("channel") is None
        return report["error"]["kind"] in _HOPELESS and same and whole and asked_whole

    def _load(self, uri: str) -> Any:
        return json.loads(self.store.read(uri))


def _look(look: Look) -> bool:
    """What reading says; what cannot be read proves nothing."""
    try:
        return look()
    except (StoreError, ValueError, KeyError, TypeError, AttributeError):
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
