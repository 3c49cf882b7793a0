"""A store in memory that says what was asked of it."""

from collections.abc import Iterator, Sequence

from funasr_fleet.storage.base import ObjectDenied, ObjectInfo
from tests.support.memory_store import MemoryStore


class WatchedStore(MemoryStore):
    """Says what was read, asked about and listed, and refuses what it is told to."""

    def __init__(self, *buckets: str) -> None:
        super().__init__(*buckets)
        self._reads: list[str] = []
        self._heads: list[str] = []
        self.listings: list[str] = []
        self.denied: tuple[str, ...] = ()
        """Endings of addresses that are refused."""
        self.error: Exception = ObjectDenied("denied")

    def read(self, uri: str) -> bytes:
        self._reads.append(uri)
        self._refuse(uri)
        return super().read(uri)

    def head(self, uri: str) -> ObjectInfo:
        self._heads.append(uri)
        self._refuse(uri)
        return super().head(uri)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        self.listings.append(prefix)
        self._refuse(prefix)
        return super().list(prefix, after=after)

    def _refuse(self, uri: str) -> None:
        if self.denied and uri.endswith(self.denied):
            raise self.error

    @property
    def reads(self) -> Sequence[str]:
        """In order of address: threads read in any order."""
        return sorted(self._reads)

    @property
    def heads(self) -> Sequence[str]:
        """In order of address."""
        return sorted(self._heads)

    @property
    def results_read(self) -> Sequence[str]:
        return [uri for uri in self.reads if "/_jobs/" not in uri]
