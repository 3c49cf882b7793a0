"""Existing results below an output prefix and their fingerprints, without reading the results.

One listing shows which results exist. Workers write a record at the end of each shard; its rows
contain the fingerprints of the results. A row counts only if the listing shows the same ETag, that
is, if it describes the current result. So results with a record are not read, and memory use does
not depend on the number of files.
"""

import contextlib
import itertools
import re
from collections.abc import Iterator

from funasr_fleet.contract.layout import JOBS_FOLDER
from funasr_fleet.contract.shard_record import FileRecord, decode
from funasr_fleet.producer.discovery.parallel_listing import ParallelListing
from funasr_fleet.producer.planning.disk_hash_set import DiskHashSet
from funasr_fleet.storage.base import ObjectDenied, ObjectInfo, ObjectMissing, ObjectStore
from funasr_fleet.storage.map_ahead import map_ahead

_RESULT = ".json"
_REPORT = ".error.json"
_SHARD_RECORD = re.compile(r"[^/]+/shards/[^/]+\.jsonl")
"""Matches the key after _jobs/: <job>/shards/<shard>.jsonl"""
_READERS = 16
_AHEAD_RECORDS = 64
_AHEAD_BYTES = 32 << 20
"""Maximum size of the records that are read ahead."""
_LARGEST_BYTES = 64 << 20
"""Maximum size of a record. A shard has at most 10,000 files, so larger objects are not records."""


class ExistingResults:
    """The results below one output prefix, according to a listing and to shard records.

    Stores hashes on disk. For 10 million files, the probability that any of them is wrongly taken
    for done is about 1 in 100,000.
    """

    def __init__(self) -> None:
        self._listed = DiskHashSet(value_bytes=0)
        """For each .json: its name, and its name with its ETag."""
        self._recorded = DiskHashSet(value_bytes=0)
        """For each current row: its name, and its name with its fingerprint."""

    def close(self) -> None:
        """Delete the temporary files."""
        self._listed.close()
        self._recorded.close()

    def gather(self, store: ObjectStore, output: str) -> None:
        """List the outputs, then read the shard records of all jobs below the prefix.

        Missing permission to list or read is not an error; the results count as not existing or
        as unrecorded.

        Raises:
            StoreError: a storage request failed, or the bucket does not exist.
            TemporaryDiskFull: the hashes cannot be written to disk.
        """
        with contextlib.suppress(ObjectDenied):
            for found in ParallelListing(store=store).list(output):
                self.note_object(found.uri.removeprefix(output), found.etag)
            if len(self._listed):
                reading = map_ahead(
                    lambda found: _read(store, found.uri),
                    _records(store, output),
                    threads=_READERS,
                    ahead=_AHEAD_RECORDS,
                    size_of=lambda found: found.size_bytes,
                    ahead_bytes=_AHEAD_BYTES,
                )
                with contextlib.closing(reading) as bodies:
                    for row in itertools.chain.from_iterable(map(decode, bodies)):
                        self.note_row(row)

    def note_object(self, name: str, etag: str) -> None:
        """Add a listed object. `name` is its name below the output prefix."""
        if name.endswith(_RESULT) and not name.startswith(JOBS_FOLDER):
            self._listed.add(hash(name))
            self._listed.add(hash((name, etag)))

    def note_row(self, row: FileRecord) -> None:
        """Add a row of a shard record, if it describes the listed result."""
        if row.etag is None or row.fingerprint is None:
            return
        if self._listed.get(hash((row.relative + _RESULT, row.etag))) is not None:
            self._recorded.add(hash(row.relative))
            self._recorded.add(hash((row.relative, row.fingerprint)))

    def has_result(self, relative: str) -> bool:
        """Whether the file has a result, with any fingerprint."""
        return self._listed.get(hash(relative + _RESULT)) is not None

    def has_report(self, relative: str) -> bool:
        """Whether the file has an error report."""
        return self._listed.get(hash(relative + _REPORT)) is not None

    def is_recorded(self, relative: str) -> bool:
        """Whether a record contains the fingerprint of the file's result."""
        return self._recorded.get(hash(relative)) is not None

    def has_fingerprint(self, relative: str, fingerprint: str) -> bool:
        """Whether a record says that the file's result has this fingerprint."""
        return self._recorded.get(hash((relative, fingerprint))) is not None


def _records(store: ObjectStore, output: str) -> Iterator[ObjectInfo]:
    """The shard records of all jobs: <output>_jobs/<job>/shards/<shard>.jsonl."""
    folder = output + JOBS_FOLDER
    for found in ParallelListing(store=store).list(folder):
        if _SHARD_RECORD.fullmatch(found.uri, len(folder)) and found.size_bytes <= _LARGEST_BYTES:
            yield found


def _read(store: ObjectStore, uri: str) -> bytes:
    try:
        return store.read(uri)
    except (ObjectMissing, ObjectDenied):
        return b""  # the results of this shard are read instead
