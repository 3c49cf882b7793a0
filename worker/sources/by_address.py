"""One source for audio of either kind."""

from dataclasses import dataclass
from typing import BinaryIO

from contract.audio_address import is_web
from contract.store import ObjectInfo
from worker.sources.interface import AudioSource


@dataclass(frozen=True)
class SourceByAddress:
    """Asks the web for addresses of the web, and storage for all others."""

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
