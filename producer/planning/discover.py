"""Plan the references of the sources that come after the plan saved in S3."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.dedup.up_to_date import UpToDateCheck
from funasr_fleet.producer.discovery import open_source
from funasr_fleet.producer.discovery.filters import Filters
from funasr_fleet.producer.discovery.interface import BadRow, Source
from funasr_fleet.producer.planning.estimating import Rates, estimate_ms
from funasr_fleet.producer.planning.output_names import OutputNames
from funasr_fleet.producer.planning.parts import Cursor, Part, read_parts
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.producer.planning.windows import cut, plan, stream
from funasr_fleet.storage.base import ObjectStore


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
    search: DiscoveryRequest, store: ObjectStore, bad: Callable[[BadRow], None]
) -> Iterator[Part]:
    """Plan the references after the last part in S3, and yield one part per window.

    Each reference gets a unique output name, and files with an up-to-date result are flagged.

    Args:
        search: the job and its request.
        store: holds the sources, the plan and the results.
        bad: called with each invalid row.

    Raises:
        BadSource: a source cannot be read.
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
    rates = Rates()
    with OutputNames() as names, check:
        number, cursor = _resume(store, search, names)
        totals = _Totals(done=cursor.done, bad=cursor.bad, on_bad=bad)
        items = stream(open_sources(request, store), cursor, names.reserve)
        with contextlib.closing(cut(items, cursor, totals.note, request.limit)) as windows:
            for count, window in enumerate(windows, number):
                done = _flag(check, [ref for ref, _ in window.refs], request)
                part = plan(window, count, done, lambda ref, ms: estimate_ms(ref, ms, rates))
                yield totals.added_to(part)


@dataclass(kw_only=True)
class _Totals:
    """Files that are done and invalid rows so far, including those of earlier runs."""

    done: int
    bad: int
    on_bad: Callable[[BadRow], None]

    def note(self, row: BadRow) -> None:
        self.bad += 1
        self.on_bad(row)

    def added_to(self, part: Part) -> Part:
        self.done += len(part.done)
        return replace(part, next_cursor=replace(part.next_cursor, done=self.done, bad=self.bad))


def _resume(store: ObjectStore, search: DiscoveryRequest, names: OutputNames) -> tuple[int, Cursor]:
    """(number of the next window, its cursor); reserves the output names of the saved plan."""
    number, cursor = 0, Cursor()
    for part in read_parts(store, search.request.output, search.job):
        for file in part.files:
            names.remember(AudioRef.model_validate_json(file.row))
        number, cursor = part.number + 1, part.next_cursor
    return number, cursor


def _flag(check: UpToDateCheck, refs: Sequence[AudioRef], request: JobRequest) -> list[bool]:
    if request.overwrite:
        return [False] * len(refs)
    return [done for _, done in check.flag(refs)]
