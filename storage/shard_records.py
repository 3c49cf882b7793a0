"""Reads the record files of all shards of a job from S3, in batches."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from funasr_fleet.contract.shard_record import FileRecord, decode
from funasr_fleet.storage.base import ObjectStore

_READERS = 16
_AT_ONCE = 256


def read_records(store: ObjectStore, folder: str) -> Iterator[FileRecord]:
    """Every row of the objects below a prefix, in key order. Raises StoreError."""
    uris: list[str] = []
    with ThreadPoolExecutor(_READERS, "record") as readers:
        for found in store.list(folder):
            uris.append(found.uri)
            if len(uris) == _AT_ONCE:
                yield from _decoded(readers.map(store.read, uris))
                uris = []
        yield from _decoded(readers.map(store.read, uris))


def _decoded(bodies: Iterable[bytes]) -> Iterator[FileRecord]:
    return (record for body in bodies for record in decode(body))
