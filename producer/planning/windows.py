"""A stream of references -> windows of planned files: named apart, numbered, done or not."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contract.job import AudioRef
from producer.planning.packing import PlannedFile
from producer.planning.parts import Part, Place, planned_row
from producer.sources.interface import BadRow, Found, Source

WINDOW_FILES = 10_000
"""Files planned together: what is sorted by length, and what a part in S3 holds."""


class Item(NamedTuple):
    """What a source yielded, and which source it was."""

    source: int
    found: Found


def stream(
    sources: Sequence[Source], place: Place, admit: Callable[[Found], Found | None]
) -> Iterator[Item]:
    """Everything behind a place, source by source, that is admitted.

    Raises as Source.after does.
    """
    for number, source in enumerate(sources):
        if number < place.source:
            continue
        position = place.position if number == place.source else ""
        for found in map(admit, source.after(position)):
            if found:
                yield Item(number, found)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Some references in order, with what is known of each."""

    refs: Sequence[tuple[AudioRef, int | None]]
    """Each with its length in ms, where the source tells it."""
    behind: Place


def cut(
    items: Iterable[Item], place: Place, bad: Callable[[BadRow], None], limit: int | None = None
) -> Generator[Window, None, None]:
    """Gather references until a window is full; rows that are none are told.

    Args:
        items: what the sources yield behind the place.
        place: where they begin.
        bad: told of each bad row.
        limit: references wanted at most, those before the place included.
    """
    refs: list[tuple[AudioRef, int | None]] = []
    found = place.found
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
            yield Window(refs=refs, behind=Place(item.source, item.found.position, found))
            refs = []
    if refs and last:
        yield Window(refs=refs, behind=Place(last.source, last.found.position, found))


def plan(
    window: Window,
    number: int,
    done: Iterable[bool],
    estimate_ms: Callable[[AudioRef, int | None], int],
) -> Part:
    """A window with its decisions made.

    Args:
        window: what was gathered.
        number: which one it is.
        done: of each file, whether its result is there already.
        estimate_ms: its audio, as far as can be told.
    """
    first = window.behind.found - len(window.refs)
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
    return Part(number=number, files=files, behind=window.behind)
