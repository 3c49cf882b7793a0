"""A local folder: every audio file below it is uploaded, then referred to."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from contract.layout import names_jobs_folder
from contract.store import ObjectInfo, ObjectStore
from producer.sources.filters import EVERYTHING, Filters
from producer.sources.interface import BadRow, Found
from producer.sources.parallel_listing import ParallelListing
from producer.sources.s3_prefix import to_ref
from producer.sources.walking import LocalFile, walk

_UPLOADS = 4
"""Files sent at a time."""
_AHEAD = 16
"""Files that are on their way before somebody takes the first of them."""


@dataclass(frozen=True)
class LocalFolder:
    """See Source; in order of name, which is the position.

    A file that lies in S3 already with the same size is not sent again.
    """

    folder: Path
    upload: str
    """s3://bucket/prefix/ that the files go to."""
    store: ObjectStore
    wanted: Filters = EVERYTHING

    def after(self, position: str) -> Iterator[Found]:
        """See Source."""
        threads = ThreadPoolExecutor(_UPLOADS, thread_name_prefix="upload")
        sent: deque[Future[Found]] = deque()
        try:
            for file, there in self._beside_what_is_there(position):
                sent.append(threads.submit(self._send, file, there))
                if len(sent) == _AHEAD:
                    yield sent.popleft().result()
            while sent:
                yield sent.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)

    def _beside_what_is_there(self, position: str) -> Iterator[tuple[LocalFile, ObjectInfo | None]]:
        """Every wanted file with the object of its name: both are in order of key."""
        # a name that is no UTF-8 was not uploaded: to begin a little off only sends files again
        start = self.upload + position.encode(errors="ignore").decode() if position else ""
        with closing(ParallelListing(store=self.store).list(self.upload, after=start)) as listed:
            there = next(listed, None)
            for file in walk(self.folder, after=position):
                if self.wanted.take(file.name, file.modified):
                    uri = self.upload + file.name
                    while there is not None and there.uri < uri:
                        there = next(listed, None)
                    yield file, there if there is not None and there.uri == uri else None

    def _send(self, file: LocalFile, there: ObjectInfo | None) -> Found:
        if names_jobs_folder(file.name):  # it could replace a document of a job
            return Found(file.name, BadRow(str(file.path), "its name has _jobs as a part"))
        if there is None or there.size_bytes != file.size_bytes:
            try:
                there = self._upload(file)
            except (OSError, UnicodeEncodeError) as error:
                return Found(file.name, BadRow(str(file.path), f"cannot be uploaded: {error}"))
        return Found(file.name, to_ref(there, file.name))

    def _upload(self, file: LocalFile) -> ObjectInfo:
        uri = self.upload + file.name
        with file.path.open("rb") as content:
            self.store.upload(uri, content)
        return next(iter(self.store.list(uri)))  # first of those that begin with its name
