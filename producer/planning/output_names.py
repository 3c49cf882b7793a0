"""Ensure that output names are unique in a backlog and not too long."""

import json
from collections.abc import Iterable, Iterator
from typing import Self

from funasr_fleet.contract.audio_address import shown
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.contract.key_length import fits_in_key
from funasr_fleet.producer.discovery.interface import BadRow, Found
from funasr_fleet.producer.planning.disk_hash_set import DiskHashSet


class OutputNames:
    """The reserved output names as hashes on disk, each with 24 hash bits of its content.

    For 10 million files with unique names, the probability that any of them is rejected because
    its name seems to be taken is 0.07 %. A different file with a taken name is mistaken for a
    repetition of the first one, and dropped, with a probability of 1 in 17 million.
    """

    def __init__(self, output: str) -> None:
        """Names below this output prefix, s3://bucket/prefix/."""
        self._output = output
        self._taken = DiskHashSet(value_bytes=3)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._taken.close()

    def remember(self, ref: AudioRef) -> None:
        """Reserve the name of a file that an earlier run has planned.

        Raises:
            TemporaryDiskFull: the hash table cannot be written to disk.
        """
        self._taken.add(hash(ref.relative), _content(ref))

    def deduplicate(self, found: Iterable[Found]) -> Iterator[Found]:
        """Apply `reserve` to each item and drop repetitions."""
        return (one for one in map(self.reserve, found) if one)

    def reserve(self, found: Found) -> Found | None:
        """Reserve the output name of an item.

        Returns:
            The item itself if its name is free or it is not a reference; None if the same range of
            the same audio has the name already; an invalid row if another file has the name, or if
            it is too long for a key in S3.

        Raises:
            TemporaryDiskFull: the hash table cannot be written to disk.
        """
        ref = found.item
        if not isinstance(ref, AudioRef):
            return found
        if not fits_in_key(self._output, ref.relative):
            reason = "with the output prefix, the output name is too long for a key in S3"
            return Found(found.position, BadRow(shown(ref.audio), reason))
        content = _content(ref)
        before = self._taken.add(hash(ref.relative), content)
        if before is None:
            return found
        if before == content:
            return None
        reason = f"another file already has the output name {ref.relative}: give this one an id"
        return Found(found.position, BadRow(shown(ref.audio), reason))


def _content(ref: AudioRef) -> int:
    """24 hash bits of the audio, range, channel and options that are transcribed."""
    options = json.dumps(ref.options, sort_keys=True, default=str) if ref.options else ""
    return hash((ref.audio, ref.start_ms, ref.end_ms, ref.channel, options)) & 0xFFFFFF
