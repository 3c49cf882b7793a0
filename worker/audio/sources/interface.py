"""The protocol of a source of audio, and the source that each address selects."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol

from funasr_fleet.contract.audio_address import is_web
from funasr_fleet.storage.base import ObjectInfo


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
