"""Split a stream of references into windows, and plan the files of each window."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import BadRow, Found, Source
from funasr_fleet.producer.planning.packing import PlannedFile
from funasr_fleet.producer.planning.parts import Cursor, Part, planned_row

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
    items: Iterable[Item], cursor: Cursor, bad: Callable[[BadRow], None], limit: int | None = None
) -> Generator[Window, None, None]:
    """Collect references into windows; the last one may be shorter than WINDOW_FILES.

    Args:
        items: items of the sources after the cursor.
        cursor: where the items start.
        bad: called with each invalid row.
        limit: maximum number of references, including those before the cursor.
    """
    refs: list[tuple[AudioRef, int | None]] = []
    found = cursor.found
    last: Item | None = None
    for item in items:
        if limit is not None and found >= limit:
            break
        last = item
        if isinstance(item.found.item, BadRow):
            bad(item.found.item)
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
