"""What a fetcher asks for audio; an ObjectStore is one such source."""

from typing import BinaryIO, Protocol

from contract.store import ObjectInfo


class AudioSource(Protocol):
    """Audio by its address. Raises the StoreErrors of contract.store and no others."""

    def head(self, uri: str) -> ObjectInfo:
        """What is known without the bytes; the ETag is empty where nobody gives one."""

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        """Write the bytes into a file, as contract.store.ObjectStore.download does."""
