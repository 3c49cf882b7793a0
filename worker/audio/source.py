"""AudioSource: where audio is fetched from, and a fetch that is compared with the listing.

A proxy, a cache or a failing store may answer 200 with a part of an object, an old version of it,
zeros or an error page, and with a Content-Length that fits. Such bytes may decode: Ogg and Opus can
end at any page. So size and ETag are compared with those in the message and, if they differ, with
those that storage reports now, since the object may have been replaced. If the ETag looks like an
MD5, the bytes must match it, except in a bucket where no object did and three others did not: some
gateways have other ETags. A file that cannot be decoded is fetched again, unless its MD5 matched.
"""

import hashlib
import logging
from dataclasses import dataclass, field, replace
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

_CHUNK_BYTES = 1 << 20

_ENOUGH_OTHERS = 3
"""ETags of a bucket are no MD5s if so many objects with different bytes did not match theirs."""

FETCHES = 3
"""Fetches in a row before the shard is retried with a delay."""


@dataclass(frozen=True)
class ListedDownloads:
    """Downloads audio and compares it with its listing; used for all files of a process."""

    source: AudioSource
    limit_bytes: int | None
    """Largest object accepted; None for any."""
    _with_md5: set[str] = field(default_factory=set, init=False)
    """Buckets in which an ETag matched the MD5 of its object: there, all of them must."""
    _without_md5: dict[str, dict[str, str]] = field(default_factory=dict, init=False)
    """Other buckets -> objects whose bytes came twice, and did not match the ETag -> their MD5."""

    def download(self, ref: AudioRef, into: BinaryIO) -> ObjectInfo:
        """Download an object into an empty file; fetch it again if it differs from the listing.

        Args:
            ref: the audio, with size and ETag from its listing.
            into: an empty file; on return, its position is 0.

        Raises:
            ObjectIncomplete: every fetch returned something other than storage lists.
            StoreError: as AudioSource.download.
        """
        previous_md5 = problem = ""
        for fetch in range(1, FETCHES + 1):
            into.seek(0)
            into.truncate()
            received = self.source.download(ref.audio, into, self.limit_bytes)
            problem = _difference(self.source, ref, received)
            if not problem:
                if not received.md5:
                    return received
                md5 = _md5_of(into)
                if received.md5 == md5:
                    self._note_md5(ref)
                    return received
                if self._has_other_etags(ref):
                    return replace(received, is_unverified=True)
                problem = _difference_now(self.source, ref, received)
                if not problem and md5 == previous_md5 and self._note_other_etag(ref, md5):
                    return replace(received, is_unverified=True)
                previous_md5 = "" if problem or _place_of(ref) in self._with_md5 else md5
                problem = problem or "the received bytes do not match their ETag"
            log.warning("%s: %s (fetch %d of %d)", shown(ref.audio), problem, fetch, FETCHES)
        raise ObjectIncomplete(f"{shown(ref.audio)}: {problem}, {FETCHES} times")

    def _note_md5(self, ref: AudioRef) -> None:
        self._with_md5.add(_place_of(ref))
        self._without_md5.pop(_place_of(ref), None)

    def _note_other_etag(self, ref: AudioRef, md5: str) -> bool:
        """Note bytes that do not match their ETag; return whether the bucket has other ETags."""
        self._without_md5.setdefault(_place_of(ref), {})[ref.audio] = md5
        return self._has_other_etags(ref)

    def _has_other_etags(self, ref: AudioRef) -> bool:
        """Whether the ETags of this bucket look like MD5s, but are something else."""
        return len(set(self._without_md5.get(_place_of(ref), {}).values())) >= _ENOUGH_OTHERS

    def confirm(self, ref: AudioRef, received: ObjectInfo, file: BinaryIO, into: BinaryIO) -> None:
        """Check that the received bytes, which cannot be decoded, are those of the object.

        Args:
            ref: the audio.
            received: what `download` returned. Nothing is fetched again if it has the MD5 that
                storage states.
            file: the received bytes.
            into: an empty file for the second fetch.

        Raises:
            ObjectIncomplete: the MD5 differs, or a second fetch returned other bytes.
            StoreError: as AudioSource.download.
        """
        md5 = _md5_of(file)
        if received.md5 == md5:
            return
        if received.md5 and not self._has_other_etags(ref):
            raise ObjectIncomplete(
                f"{shown(ref.audio)}: the received bytes cannot be decoded and do not match their "
                "ETag"
            )
        self.source.download(ref.audio, into, self.limit_bytes)
        if _md5_of(into) != md5:
            raise ObjectIncomplete(f"{shown(ref.audio)}: two fetches returned different bytes")


def _place_of(ref: AudioRef) -> str:
    """The bucket of an s3:// address, or the host of a web address, with the scheme."""
    return "/".join(ref.audio.split("/", 3)[:3])


def _difference(source: AudioSource, ref: AudioRef, received: ObjectInfo) -> str:
    """How a download differs from the listing and from what storage reports now; empty if not."""
    same_size = ref.size_bytes in (None, received.size_bytes)
    if same_size and (ref.etag is None or _strong(ref, ref.etag) == _strong(ref, received.etag)):
        return ""
    return _difference_now(source, ref, received)


def _difference_now(source: AudioSource, ref: AudioRef, received: ObjectInfo) -> str:
    """How a download differs from what storage reports now, or else from the listing."""
    now = _info_now(source, ref)
    size_now = now.size_bytes if now else ref.size_bytes
    if received.size_bytes not in (ref.size_bytes, size_now) and size_now is not None:
        return f"received {received.size_bytes} of {size_now} bytes"
    etag_now = now.etag if now else ref.etag
    if etag_now and _strong(ref, etag_now) != _strong(ref, received.etag):
        return f"received ETag {received.etag} instead of {etag_now}"
    return ""


def _strong(ref: AudioRef, etag: str) -> str:
    """The ETag of web audio without the sign of a weak one, which depends on the compression."""
    return etag.removeprefix("W/") if is_web(ref.audio) else etag


def _info_now(source: AudioSource, ref: AudioRef) -> ObjectInfo | None:
    """What storage reports now; None when it reports nothing, as some web servers do."""
    unknown = StoreError if is_web(ref.audio) else (ObjectMissing, ObjectDenied)
    try:
        info = source.head(ref.audio)
    except unknown:
        return None
    return None if is_web(ref.audio) and not info.size_bytes else info  # the header is optional


def _md5_of(file: BinaryIO) -> str:
    """The MD5 of a file's content in hex; the file is rewound."""
    file.seek(0)
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
