"""What the sources hold behind all that is planned: named apart, marked as done or not."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from contract.job import AudioRef
from contract.store import ObjectStore
from producer.done.skipping import DoneCheck
from producer.planning.estimating import Rates, estimate_ms
from producer.planning.naming import Names
from producer.planning.parts import Part, Place, read_parts
from producer.planning.request import JobRequest
from producer.planning.windows import cut, plan, stream
from producer.sources import open_source
from producer.sources.filters import Filters
from producer.sources.interface import BadRow, Source


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for; it can be sent to another process."""

    job: str
    request: JobRequest
    model_revision: str | None
    """What workers say they have loaded."""


def open_sources(request: JobRequest, store: ObjectStore) -> list[Source]:
    """The sources of a request, in its order. Raises BadSource."""
    wanted = Filters(suffixes=request.suffixes or None, since=request.since)
    return [open_source(text, store, request.upload, wanted) for text in request.sources]


def find(search: Search, store: ObjectStore, bad: Callable[[BadRow], None]) -> Iterator[Part]:
    """Parts that are not in S3 yet, one after the other.

    Args:
        search: what is looked for.
        store: where sources, plan and results are.
        bad: told of each row that is no reference.

    Raises:
        BadSource: a source cannot be read.
        StoreError: S3 fails.
        TemporaryDiskFull: what was seen cannot be noted.
    """
    request = search.request
    check = DoneCheck(
        store=store,
        output=request.output,
        options=request.options,
        model_revision=search.model_revision,
    )
    rates = Rates()
    with Names() as names, check:
        number, place = _go_on_behind(store, search, names)
        tally = _Tally(done=place.done, bad=place.bad, tell=bad)
        items = stream(open_sources(request, store), place, names.admit)
        with contextlib.closing(cut(items, place, tally.note, request.limit)) as windows:
            for count, window in enumerate(windows, number):
                done = _mark(check, [ref for ref, _ in window.refs], request)
                part = plan(window, count, done, lambda ref, ms: estimate_ms(ref, ms, rates))
                yield tally.added_to(part)


@dataclass(kw_only=True)
class _Tally:
    """What was counted so far, by this run and those before."""

    done: int
    bad: int
    tell: Callable[[BadRow], None]

    def note(self, row: BadRow) -> None:
        self.bad += 1
        self.tell(row)

    def added_to(self, part: Part) -> Part:
        self.done += len(part.done)
        return replace(part, behind=replace(part.behind, done=self.done, bad=self.bad))


def _go_on_behind(store: ObjectStore, search: Search, names: Names) -> tuple[int, Place]:
    """(number of the next window, where it begins), with the names before it taken."""
    number, place = 0, Place()
    for part in read_parts(store, search.request.output, search.job):
        for file in part.files:
            names.remember(AudioRef.model_validate_json(file.row))
        number, place = part.number + 1, part.behind
    return number, place


def _mark(check: DoneCheck, refs: Sequence[AudioRef], request: JobRequest) -> list[bool]:
    if request.overwrite:
        return [False] * len(refs)
    return [done for _, done in check.mark(refs)]
