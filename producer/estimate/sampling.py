"""Read the durations of sampled files from their headers, with a few ranged requests per file."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.estimate.durations import read_duration_ms
from funasr_fleet.producer.estimate.ranges import RangeFile, Ranges
from funasr_fleet.storage.base import CredentialsRefused, ObjectInfo, StoreUnavailable

_READERS = 8


class Headers(Ranges, Protocol):
    """The part of ObjectStore that reading headers needs."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects; see ObjectStore.list."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A file with the duration from its header."""

    ref: AudioRef
    size_bytes: int | None
    """Size of the file; None if storage does not list it."""
    duration_ms: int | None
    """Duration of the whole file; None if the header does not give it."""


def measure(refs: Iterable[AudioRef], store: Headers) -> list[Measured]:
    """Durations of these files, in their order; headers are read in parallel.

    The duration is None for a file that is missing, denied, broken or of an unsupported format.

    Raises:
        StoreUnavailable: storage is unavailable.
        CredentialsRefused: storage does not accept the credentials.
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
    except Exception:  # noqa: S110 - header parsers may raise anything; unknown duration
        pass
    return Measured(ref=ref, size_bytes=size_bytes, duration_ms=duration_ms)


def _listed(uri: str, store: Headers) -> int | None:
    """The size of one object; None if there is none. It sorts first among the keys it prefixes."""
    first = next(iter(store.list(uri)), None)
    return first.size_bytes if first and first.uri == uri else None
