"""A store whose downloads return other bytes than the object."""

import hashlib
from typing import BinaryIO

from funasr_fleet.storage.base import ObjectInfo
from tests.support.memory_store import MemoryStore

URI = "s3://in/a.ogg"
WHOLE = b"0123456789"
MD5 = hashlib.md5(WHOLE, usedforsecurity=False).hexdigest()
ETAG = f'"{MD5}"'


class WrongBodies(MemoryStore):
    """Returns these bodies and ETags from successive downloads, then the object."""

    def __init__(
        self,
        *answers: tuple[bytes, str],
        head: ObjectInfo | Exception | None = None,
        states_md5: bool = False,
    ) -> None:
        super().__init__("in")
        self.write(URI, WHOLE, "")
        self._answers = iter(answers)
        self._head, self._states_md5 = head, states_md5
        self.fetches = 0

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        self.fetches += 1
        body, etag = next(self._answers, (WHOLE, ETAG))
        into.write(body)
        into.seek(0)
        md5 = etag.strip('"') if self._states_md5 else ""
        return ObjectInfo(uri=uri, etag=etag, size_bytes=len(body), md5=md5)

    def head(self, uri: str) -> ObjectInfo:
        if isinstance(self._head, Exception):
            raise self._head
        return self._head or super().head(uri)
