"""Plan the references of the sources that come after the plan saved in S3, window by window."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.dedup.up_to_date import UpToDateCheck
from funasr_fleet.producer.discovery import open_source
from funasr_fleet.producer.discovery.ignored import IgnoredCounts
from funasr_fleet.producer.discovery.interface import (
    BadRow,
    Filters,
    Found,
    Ignored,
    Source,
)
from funasr_fleet.producer.planning.estimating import estimate_ms
from funasr_fleet.producer.planning.output_names import OutputNames
from funasr_fleet.producer.planning.packing import PlannedFile
from funasr_fleet.producer.planning.parts import Cursor, Part, planned_row, read_parts, refs_of
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.storage.base import ObjectStore

WINDOW_FILES = 10_000
"""Files per window, which is also the unit of sorting by length and of a part in S3."""


class Item(NamedTuple):
    """An item of a source, with the number of the source."""

    source: int
    found: Found


def stream(
    sources: Sequence[Source], cursor: Cursor, reserve: Callable[[Found], Found | None]
) -> Iterator[Item]:
    """The items after the cursor, source by source, as `reserve` returns them.

    Raises the errors of Source.after.
    """
    for number, source in enumerate(sources):
        if number < cursor.source:
            continue
        position = cursor.position if number == cursor.source else ""
        for found in map(reserve, source.after(position)):
            if found:
                yield Item(number, found)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Consecutive references of a backlog."""

    refs: Sequence[tuple[AudioRef, int | None]]
    """Each with the duration of its whole audio in ms, if the source gives it."""
    next_cursor: Cursor


def cut(
    items: Iterable[Item],
    cursor: Cursor,
    leave_out: Callable[[BadRow | Ignored], None],
    limit: int | None = None,
) -> Generator[Window, None, None]:
    """Collect references into windows; the last one may be shorter than WINDOW_FILES.

    Args:
        items: items of the sources after the cursor.
        cursor: where the items start.
        leave_out: called with each invalid row and each ignored item.
        limit: maximum number of references, including those before the cursor.
    """
    refs: list[tuple[AudioRef, int | None]] = []
    found = cursor.found
    last: Item | None = None
    for item in items:
        if limit is not None and found >= limit:
            break
        last = item
        if not isinstance(item.found.item, AudioRef):
            leave_out(item.found.item)
            continue
        refs.append((item.found.item, item.found.duration_ms))
        found += 1
        if len(refs) == WINDOW_FILES:
            yield Window(refs=refs, next_cursor=Cursor(item.source, item.found.position, found))
            refs = []
    if refs and last:
        yield Window(refs=refs, next_cursor=Cursor(last.source, last.found.position, found))


def plan(
    window: Window,
    number: int,
    done: Iterable[bool],
    estimate_ms: Callable[[AudioRef, int | None], int],
) -> Part:
    """Plan the files of a window.

    Args:
        window: the references.
        number: number of the window.
        done: for each file, whether it has an up-to-date result.
        estimate_ms: returns the estimated audio in ms for (reference, duration in ms or None).
    """
    first = window.next_cursor.found - len(window.refs)
    files = [
        PlannedFile(
            index=index,
            row=planned_row(ref, index),
            estimated_ms=estimate_ms(ref, duration_ms),
            size_bytes=ref.size_bytes,
            done=is_done,
        )
        for index, ((ref, duration_ms), is_done) in enumerate(
            zip(window.refs, done, strict=True), first
        )
    ]
    return Part(number=number, files=files, next_cursor=window.next_cursor)


@dataclass(frozen=True, kw_only=True)
class DiscoveryRequest:
    """The input of `discover`; picklable, because it is sent to a subprocess."""

    job: str
    request: JobRequest
    model_revision: str | None
    """Model revision whose results are up to date; None accepts any revision."""


def open_sources(request: JobRequest, store: ObjectStore) -> list[Source]:
    """The sources of a request, in the order given. Raises BadSource."""
    wanted = Filters(suffixes=request.suffixes or None, since=request.since)
    return [open_source(text, store, request.upload, wanted) for text in request.sources]


def discover(
    search: DiscoveryRequest,
    store: ObjectStore,
    bad: Callable[[BadRow], None],
    ignored: Callable[[dict[str, int]], None],
) -> Iterator[Part]:
    """Plan the references after the last part in S3, and yield one part per window.

    Each reference gets a unique output name, and files with an up-to-date result are flagged.

    Args:
        search: the job and its request.
        store: holds the sources, the plan and the results.
        bad: called with each invalid row.
        ignored: called at the end with the number of ignored objects and files by suffix; until
            then, the numbers are in the cursor of each part.

    Raises:
        BadSource: a source cannot be read.
        JobRefused: the saved plan contains a file that this release does not accept.
        StoreError: an S3 request failed.
        TemporaryDiskFull: a hash table cannot be written to disk.
    """
    request = search.request
    check = UpToDateCheck(
        store=store,
        output=request.output,
        options=request.options,
        model_revision=search.model_revision,
    )
    with OutputNames(request.output) as names, check:
        number, cursor = _resume(store, search, names)
        totals = _Totals(cursor.done, cursor.bad, IgnoredCounts(cursor.ignored), on_bad=bad)
        items = stream(open_sources(request, store), cursor, names.reserve)
        with contextlib.closing(cut(items, cursor, totals.leave_out, request.limit)) as windows:
            for count, window in enumerate(windows, number):
                done = _flag(check, [ref for ref, _ in window.refs], request)
                part = plan(window, count, done, estimate_ms)
                yield totals.added_to(part)
        ignored(totals.ignored.by_suffix())


@dataclass
class _Totals:
    """Numbers of done files, invalid rows and ignored items, including those of earlier runs."""

    done: int
    bad: int
    ignored: IgnoredCounts
    on_bad: Callable[[BadRow], None]

    def leave_out(self, item: BadRow | Ignored) -> None:
        if isinstance(item, Ignored):
            self.ignored.add(item)
        else:
            self.bad += 1
            self.on_bad(item)

    def added_to(self, part: Part) -> Part:
        self.done += len(part.done)
        ignored = self.ignored.by_suffix()
        totals = replace(part.next_cursor, done=self.done, bad=self.bad, ignored=ignored)
        return replace(part, next_cursor=totals)


def _resume(store: ObjectStore, search: DiscoveryRequest, names: OutputNames) -> tuple[int, Cursor]:
    """Reserve the output names of the saved plan; return the next window's number and cursor."""
    number, cursor = 0, Cursor()
    for part in read_parts(store, search.request.output, search.job):
        for ref in refs_of(part):
            names.remember(ref)
        number, cursor = part.number + 1, part.next_cursor
    return number, cursor


def _flag(check: UpToDateCheck, refs: Sequence[AudioRef], request: JobRequest) -> list[bool]:
    if request.overwrite:
        return [False] * len(refs)
    return [done for _, done in check.flag(refs)]
