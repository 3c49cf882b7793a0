"""Every object below a prefix in order of key, asked for by several threads at a time.

S3 answers a listing page by page, and each page names where the next begins. To ask for several
at once, the keys are cut into stretches: what proves big is looked at one level deep, and the
folders found there are where it is cut. As many folders as filled two pages make a stretch, lest
a million folders of one file each become a million requests.
"""

import itertools
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from contract.store import Folder, ObjectInfo, ObjectStore

_THREADS = 8
_AHEAD = 16
"""Pages on their way or waiting to be taken: at most 16,000 objects, some 7 MB."""
_BIG = 3
"""Pages after which a stretch is cut rather than read on from end to end."""

_CUTS = 50
"""Stretches that a page is cut into at most: the pages before may mislead, small ones are cheap."""


@dataclass(frozen=True, kw_only=True)
class _Stretch:
    """Keys that are still to be listed."""

    prefix: str
    after: str
    """Only keys behind this one."""
    last: str = ""
    """The object or folder that it ends with; "" is the end of the prefix."""
    pages: int = 0
    """How many pages of it were read from end to end."""
    folders: int = 1
    """How many folders make a stretch when it is cut."""

    def holds(self, uri: str) -> bool:
        """Whether an address behind `after` lies before the end."""
        inside = self.last.endswith("/") and uri.startswith(self.last)
        return not self.last or uri <= self.last or inside

    def take(self, store: ObjectStore, page_size: int) -> "list[_Piece]":
        """List a page of it: what was found and what is left, in order of key."""
        act = self._cut if self.pages >= _BIG else self._read
        return act(store, page_size)

    def _read(self, store: ObjectStore, page_size: int) -> "list[_Piece]":
        page = itertools.islice(store.list(self.prefix, after=self.after), page_size)
        mine = list(itertools.takewhile(lambda found: self.holds(found.uri), page))
        if len(mine) < page_size:
            return [mine]
        names = {found.uri.removeprefix(self.prefix).partition("/")[0] for found in mine}
        wide = max(1, 2 * len(names) - 2)  # a folder that fills a page is a stretch of its own
        rest = replace(self, after=mine[-1].uri, pages=self.pages + 1, folders=wide)
        return [mine, rest]

    def _cut(self, store: ObjectStore, page_size: int) -> "list[_Piece]":
        level = store.list_level(self.prefix, after=self.after)
        page = list(
            itertools.takewhile(lambda one: self.holds(one.uri), itertools.islice(level, page_size))
        )
        if len(page) < page_size:
            return list(self._parts(page))
        # behind a folder there is no key to start after, so one that comes last begins the rest
        rest = replace(self, after=page[-1].uri, pages=0)
        return [*self._parts(page[:-1] if isinstance(page[-1], Folder) else page), rest]

    def _parts(self, page: Sequence[ObjectInfo | Folder]) -> "Iterator[_Piece]":
        size = max(self.folders, len(page) // _CUTS)
        for start in range(0, len(page), size):
            part = page[start : start + size]
            objects = list(itertools.takewhile(_is_object, part))
            if objects:
                yield [one for one in objects if isinstance(one, ObjectInfo)]
            if len(objects) < len(part):
                yield self._below(part[len(objects) :])

    def _below(self, part: Sequence[ObjectInfo | Folder]) -> "_Stretch":
        first, last = part[0].uri, part[-1].uri
        prefix = first if len(part) == 1 else self.prefix
        return _Stretch(prefix=prefix, after=max(first, self.after), last=last)


_Piece = list[ObjectInfo] | _Stretch
_Slot = _Piece | Future[list[_Piece]]


def _is_object(one: ObjectInfo | Folder) -> bool:
    return isinstance(one, ObjectInfo)


@dataclass(frozen=True, kw_only=True)
class ParallelListing:
    """Lists with several threads, for as long as somebody takes what they find."""

    store: ObjectStore
    page_size: int = 1000
    """Entries asked for at a time; S3 sends 1,000 at most."""

    def list(self, prefix: str, *, after: str = "") -> Generator[ObjectInfo, None, None]:
        """Like ObjectStore.list, but for the empty objects that stand for folders.

        Raises:
            StoreError: S3 fails.
        """
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="listing")
        try:
            slots: deque[_Slot] = deque([_Stretch(prefix=prefix, after=after)])
            while slots:
                slots = deque(self._ahead(slots, threads))
                head = slots.popleft()
                if isinstance(head, Future):
                    slots.extendleft(reversed(head.result()))
                elif not isinstance(head, _Stretch):
                    yield from (found for found in head if not found.uri.endswith("/"))
        finally:
            threads.shutdown(cancel_futures=True)

    def _ahead(self, slots: Iterable[_Slot], threads: ThreadPoolExecutor) -> Iterator[_Slot]:
        """The same, with what is next on its way."""
        room = _AHEAD
        for slot in itertools.chain.from_iterable(map(_arrived, slots)):
            if room > 0 and isinstance(slot, _Stretch):
                yield threads.submit(slot.take, self.store, self.page_size)
            else:
                yield slot
            room -= 1


def _arrived(slot: _Slot) -> Sequence[_Slot]:
    """What a page that is here holds; one that failed stays, until its turn comes."""
    if isinstance(slot, Future) and slot.done() and slot.exception() is None:
        return slot.result()
    return (slot,)
