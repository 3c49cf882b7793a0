"""The protocol of a source of audio; an ObjectStore is one implementation."""

from typing import BinaryIO, Protocol

from funasr_fleet.storage.base import ObjectInfo


class AudioSource(Protocol):
    """Audio by address. Raises only the StoreErrors of storage.base."""

    def head(self, uri: str) -> ObjectInfo:
        """Metadata of the audio; the ETag is empty if the source provides none."""

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write the bytes into a file, like storage.base.ObjectStore.download."""
