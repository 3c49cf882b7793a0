"""An ObjectStore in memory."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from funasr_fleet.contract.layout import split_uri
from funasr_fleet.storage.base import (
    MAX_DOCUMENT_BYTES,
    BucketMissing,
    DocumentTooLarge,
    Folder,
    ObjectInfo,
    ObjectMissing,
    check_size,
)


class MemoryStore:
    """Its buckets are given to the constructor."""

    def __init__(self, *buckets: str) -> None:
        self.objects: dict[str, dict[str, bytes]] = {bucket: {} for bucket in buckets}
        self.modified: dict[str, float] = {}
        """Address -> modification time in listings, in seconds since the epoch; set by tests."""

    def _bucket(self, uri: str) -> tuple[dict[str, bytes], str]:
        bucket, key = split_uri(uri)
        if bucket not in self.objects:
            raise BucketMissing(f"bucket {bucket} does not exist")
        return self.objects[bucket], key

    def _info(self, uri: str, body: bytes) -> ObjectInfo:
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        modified = self.modified.get(uri)
        return ObjectInfo(uri=uri, etag=etag, size_bytes=len(body), modified=modified)

    def _body(self, uri: str) -> bytes:
        objects, key = self._bucket(uri)
        if key not in objects:
            raise ObjectMissing(f"{uri} does not exist")
        return objects[key]

    def head(self, uri: str) -> ObjectInfo:
        return self._info(uri, self._body(uri))

    def read(self, uri: str) -> bytes:
        body = self._body(uri)
        if len(body) > MAX_DOCUMENT_BYTES:
            raise DocumentTooLarge(f"{uri} has more than {MAX_DOCUMENT_BYTES} bytes")
        return body

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        body = self.read(uri)
        check_size(uri, len(body), limit_bytes)
        into.write(body)
        into.seek(0)
        return self._info(uri, body)

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        return self.read(uri)[start : start + length]

    def write(self, uri: str, body: bytes, content_type: str) -> str:
        objects, key = self._bucket(uri)
        objects[key] = body
        return self._info(uri, body).etag

    def upload(self, uri: str, file: BinaryIO) -> None:
        self.write(uri, file.read(), "application/octet-stream")

    def delete(self, uri: str) -> None:
        objects, key = self._bucket(uri)
        objects.pop(key, None)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        objects, start = self._bucket(prefix)
        bucket, _ = split_uri(prefix)
        for key in sorted(objects):
            uri = f"s3://{bucket}/{key}"
            if key.startswith(start) and uri > after:
                yield self._info(uri, objects[key])

    def list_level(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo | Folder]:
        last = Folder("")
        for found in self.list(prefix, after=after):
            name, slash, _ = found.uri.removeprefix(prefix).partition("/")
            folder = Folder(f"{prefix}{name}/")
            if not slash:
                yield found
            elif folder != last:
                last = folder
                yield folder

    def check(self) -> None:
        pass
