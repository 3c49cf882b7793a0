"""AudioSource: where audio is fetched from, and a fetch that is compared with the listing.

A proxy, a cache or a failing store may answer 200 with a part of an object, and with a
Content-Length that fits the part. Such bytes may decode: Ogg and Opus can end at any page. So the
received size is compared with the size in the message and, if they differ, with the size that
storage reports now, since the object may have been replaced. If the message has no size, nothing
is compared.
"""

import logging
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from funasr_fleet.contract.audio_address import is_web, shown
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.storage.base import (
    ObjectDenied,
    ObjectIncomplete,
    ObjectInfo,
    ObjectMissing,
    StoreError,
)


class AudioSource(Protocol):
    """Audio by address. Raises only the StoreErrors of storage.base."""

    def head(self, uri: str) -> ObjectInfo:
        """Metadata of the audio; the ETag is empty if the source provides none."""

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write the bytes into a file, like storage.base.ObjectStore.download."""


@dataclass(frozen=True)
class SourceByAddress:
    """Fetches http and https addresses from the web, and all others from storage."""

    storage: AudioSource
    web: AudioSource

    def head(self, uri: str) -> ObjectInfo:
        """Metadata of the audio, from the source of its address."""
        return self._of(uri).head(uri)

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write the bytes into a file, from the source of the address."""
        return self._of(uri).download(uri, into, limit_bytes)

    def _of(self, uri: str) -> AudioSource:
        return self.web if is_web(uri) else self.storage


log = logging.getLogger(__name__)

FETCHES = 3
"""Fetches in a row before the shard is retried with a delay."""


def download_listed(
    source: AudioSource, ref: AudioRef, into: BinaryIO, limit_bytes: int | None
) -> ObjectInfo:
    """Download the object into an empty file; fetch it again if its size differs from the listing.

    Args:
        source: where the audio is fetched from.
        ref: the audio, with the size from its listing.
        into: an empty file; on return, its position is 0.
        limit_bytes: largest object accepted; None for any.

    Raises:
        ObjectIncomplete: every fetch returned a size other than storage lists.
        StoreError: as AudioSource.download.
    """
    for fetch in range(1, FETCHES + 1):
        into.seek(0)
        into.truncate()
        received = source.download(ref.audio, into, limit_bytes)
        if ref.size_bytes in (None, received.size_bytes):
            return received
        listed = _size_now(source, ref)
        if listed == received.size_bytes:
            return received
        expected = ref.size_bytes if listed is None else listed
        problem = f"{shown(ref.audio)}: received {received.size_bytes} of {expected} bytes"
        log.warning("%s (fetch %d of %d)", problem, fetch, FETCHES)
    raise ObjectIncomplete(f"{problem}, {FETCHES} times")


def _size_now(source: AudioSource, ref: AudioRef) -> int | None:
    """The size that storage reports now; None when it reports none, as some web servers do."""
    unknown = StoreError if is_web(ref.audio) else (ObjectMissing, ObjectDenied)
    try:
        size_bytes = source.head(ref.audio).size_bytes
    except unknown:
        return None
    return None if is_web(ref.audio) and not size_bytes else size_bytes  # the header is optional
