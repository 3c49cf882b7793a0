"""List a prefix in key order with several threads.

S3 lists page by page, and a page can be requested only when the previous one has arrived. To
request pages in parallel, the keys are split into ranges. A range that is not exhausted after a few
pages is listed one level deep and split at the folders found there. Each new range covers several
folders, estimated to fill two pages: with one range per folder, a million folders of one file each
would take a million requests.
"""

import itertools
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from funasr_fleet.storage.base import Folder, ObjectInfo, ObjectStore

_THREADS = 8
_AHEAD = 16
"""Pages requested or buffered ahead of the consumer: at most 16,000 objects, about 7 MB."""
_BIG = 3
"""Pages after which a range is split instead of listed sequentially."""

_MAX_SPLITS = 50
"""Maximum number of ranges made from one page of folders, in case later folders are smaller than
estimated."""


@dataclass(frozen=True, kw_only=True)
class _KeyRange:
    """A range of keys that is still to be listed."""

    prefix: str
    after: str
    """Exclusive lower bound."""
    last: str = ""
    """Inclusive upper bound: an object or a whole folder; "" is the end of the prefix."""
    pages: int = 0
    """Number of its pages that were listed sequentially."""
    folders: int = 1
    """Folders per new range when this range is split."""

    def holds(self, uri: str) -> bool:
        """Whether an address after the lower bound is within the upper bound."""
        inside = self.last.endswith("/") and uri.startswith(self.last)
        return not self.last or uri <= self.last or inside

    def take(self, store: ObjectStore, page_size: int) -> "list[_Piece]":
        """List one page; returns the objects found and the remaining ranges, in key order."""
        act = self._split if self.pages >= _BIG else self._read
        return act(store, page_size)

    def _read(self, store: ObjectStore, page_size: int) -> "list[_Piece]":
        page = itertools.islice(store.list(self.prefix, after=self.after), page_size)
        inside = list(itertools.takewhile(lambda found: self.holds(found.uri), page))
        if len(inside) < page_size:
            return [inside]
        names = {found.uri.removeprefix(self.prefix).partition("/")[0] for found in inside}
        folders = max(1, 2 * len(names) - 2)  # a folder that fills a page gets its own range
        rest = replace(self, after=inside[-1].uri, pages=self.pages + 1, folders=folders)
        return [inside, rest]

    def _split(self, store: ObjectStore, page_size: int) -> "list[_Piece]":
        level = store.list_level(self.prefix, after=self.after)
        page = list(
            itertools.takewhile(lambda one: self.holds(one.uri), itertools.islice(level, page_size))
        )
        if len(page) < page_size:
            return list(self._parts(page))
        # S3 cannot start a listing after a folder, so a folder that comes last starts the rest
        rest = replace(self, after=page[-1].uri, pages=0)
        return [*self._parts(page[:-1] if isinstance(page[-1], Folder) else page), rest]

    def _parts(self, page: Sequence[ObjectInfo | Folder]) -> "Iterator[_Piece]":
        size = max(self.folders, len(page) // _MAX_SPLITS)
        for start in range(0, len(page), size):
            part = page[start : start + size]
            objects = list(itertools.takewhile(_is_object, part))
            if objects:
                yield [one for one in objects if isinstance(one, ObjectInfo)]
            if len(objects) < len(part):
                yield self._range_of(part[len(objects) :])

    def _range_of(self, part: Sequence[ObjectInfo | Folder]) -> "_KeyRange":
        first, last = part[0].uri, part[-1].uri
        prefix = first if len(part) == 1 else self.prefix
        return _KeyRange(prefix=prefix, after=max(first, self.after), last=last)


_Piece = list[ObjectInfo] | _KeyRange
_Slot = _Piece | Future[list[_Piece]]


def _is_object(one: ObjectInfo | Folder) -> bool:
    return isinstance(one, ObjectInfo)


@dataclass(frozen=True, kw_only=True)
class ParallelListing:
    """Lists prefixes with several threads; they stop when the returned generator is closed."""

    store: ObjectStore
    page_size: int = 1000
    """Entries per page; S3 returns at most 1,000."""

    def list(self, prefix: str, *, after: str = "") -> Generator[ObjectInfo, None, None]:
        """Like ObjectStore.list, but without the objects that mark folders (keys that end in /).

        Raises:
            StoreError: an S3 request failed.
        """
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="listing")
        try:
            slots: deque[_Slot] = deque([_KeyRange(prefix=prefix, after=after)])
            while slots:
                slots = deque(self._ahead(slots, threads))
                head = slots.popleft()
                if isinstance(head, Future):
                    slots.extendleft(reversed(head.result()))
                elif not isinstance(head, _KeyRange):
                    yield from (found for found in head if not found.uri.endswith("/"))
        finally:
            threads.shutdown(cancel_futures=True)

    def _ahead(self, slots: Iterable[_Slot], threads: ThreadPoolExecutor) -> Iterator[_Slot]:
        """The slots, with requests submitted for the next ranges."""
        room = _AHEAD
        for slot in itertools.chain.from_iterable(map(_arrived, slots)):
            if room > 0 and isinstance(slot, _KeyRange):
                yield threads.submit(slot.take, self.store, self.page_size)
            else:
                yield slot
            room -= 1


def _arrived(slot: _Slot) -> Sequence[_Slot]:
    """The content of a finished request; a failed one is kept, to raise when it is consumed."""
    if isinstance(slot, Future) and slot.done() and slot.exception() is None:
        return slot.result()
    return (slot,)
