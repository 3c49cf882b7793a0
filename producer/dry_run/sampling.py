"""Durations of some files from their headers: a few ranges are read, never a whole file."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from contract.job import AudioRef
from contract.store import CredentialsRefused, ObjectInfo, StoreUnavailable
from producer.dry_run.durations import read_duration_ms
from producer.dry_run.ranges import RangeFile, Ranges

_READERS = 8


class Headers(Ranges, Protocol):
    """What is needed of an ObjectStore to look into files."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A file and what its header says."""

    ref: AudioRef
    size_bytes: int | None
    """Its size; None when storage does not show it."""
    duration_ms: int | None
    """Length of the whole file; None when its header does not tell."""


def measure(refs: Iterable[AudioRef], store: Headers) -> list[Measured]:
    """Durations of these files, in their order, several at once.

    A file that is missing, denied, broken or of a format without a reader is unknown.

    Raises:
        StoreUnavailable: storage cannot be reached.
        CredentialsRefused: it does not accept the credentials.
    """
    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(lambda ref: _measure_one(ref, store), refs))


def _measure_one(ref: AudioRef, store: Headers) -> Measured:
    size_bytes = duration_ms = None
    try:
        size_bytes = ref.size_bytes if ref.size_bytes is not None else _listed(ref.audio, store)
        if size_bytes:
            duration_ms = read_duration_ms(RangeFile(store, ref.audio, size_bytes))
    except (StoreUnavailable, CredentialsRefused):
        raise
    except Exception:  # noqa: S110 - parsers of foreign bytes raise anything; it stays unknown
        pass
    return Measured(ref=ref, size_bytes=size_bytes, duration_ms=duration_ms)


def _listed(uri: str, store: Headers) -> int | None:
    """The size of one object: in order of key it comes first of all that begin like it."""
    first = next(iter(store.list(uri)), None)
    return first.size_bytes if first and first.uri == uri else None
