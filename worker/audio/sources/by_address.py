"""Selects the source of audio by its address."""

from dataclasses import dataclass
from typing import BinaryIO

from funasr_fleet.contract.audio_address import is_web
from funasr_fleet.storage.base import ObjectInfo
from funasr_fleet.worker.audio.sources.interface import AudioSource


@dataclass(frozen=True)
class SourceByAddress:
    """Fetches http and https addresses from the web, and all others from storage."""

    storage: AudioSource
    web: AudioSource

    def head(self, uri: str) -> ObjectInfo:
        """See AudioSource."""
        return self._of(uri).head(uri)

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """See AudioSource."""
        return self._of(uri).download(uri, into, limit_bytes)

    def _of(self, uri: str) -> AudioSource:
        return self.web if is_web(uri) else self.storage
