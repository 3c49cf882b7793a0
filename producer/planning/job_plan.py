"""The plan of a job, window by window: what earlier runs have planned, then what is new."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from contract.job import AudioRef
from contract.ledger import Planner
from contract.store import ObjectStore
from producer.done.skipping import DoneCheck
from producer.planning.estimating import Rates, estimate_ms
from producer.planning.naming import Names
from producer.planning.parts import Part, Place, read_parts, write_part
from producer.planning.request import JobRequest
from producer.planning.windows import cut, plan, stream
from producer.sources.interface import BadRow, Source


@dataclass(kw_only=True)
class JobPlan:
    """Gives out the parts of a job, each kept in S3 and counted before it is published."""

    store: ObjectStore
    planner: Planner
    job: str
    request: JobRequest
    model_revision: str | None
    """What workers say they have loaded."""
    bad: Callable[[BadRow], None]
    """Told of each row that is no reference."""
    windows: int = 0
    """Planned so far."""
    _files: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _place: Place = field(default_factory=Place)

    def __enter__(self) -> Self:
        self._names = self._files.enter_context(Names())
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def parts(self, sources: Sequence[Source], first: int) -> Iterator[Part]:
        """Every part from this window on.

        Raises:
            BadSource: a source cannot be read.
            StoreError: S3 fails.
            BrokerUnavailable: Redis fails.
        """
        for part in read_parts(self.store, self.request.output, self.job):
            self._remember(part)
            if part.number >= first:
                self._count(part)
                yield part
        yield from self._fresh(sources)

    def _remember(self, part: Part) -> None:
        for file in part.files:
            self._names.remember(AudioRef.model_validate_json(file.row))
        self.windows, self._place = part.number + 1, part.behind

    def _fresh(self, sources: Sequence[Source]) -> Iterator[Part]:
        items = stream(sources, self._place, self._names.admit)
        rates = Rates()
        for window in cut(items, self._place, self.bad, self.request.limit):
            refs = [ref for ref, _ in window.refs]
            part = plan(
                window, self.windows, self._done(refs), lambda ref, ms: estimate_ms(ref, ms, rates)
            )
            write_part(self.store, self.request.output, self.job, part)
            self._count(part)
            self.windows += 1
            yield part

    def _done(self, refs: Sequence[AudioRef]) -> list[bool]:
        if self.request.overwrite:
            return [False] * len(refs)
        return [done for _, done in self._check.mark(refs)]

    @property
    def _check(self) -> DoneCheck:
        """Made when it is needed first: it lists the outputs."""
        if "_done_check" not in self.__dict__:
            check = DoneCheck(
                store=self.store,
                output=self.request.output,
                options=self.request.options,
                model_revision=self.model_revision,
            )
            self.__dict__["_done_check"] = self._files.enter_context(check)
        found: DoneCheck = self.__dict__["_done_check"]
        return found

    def _count(self, part: Part) -> None:
        self.planner.plan(self.job, part.number, len(part.files), part.estimated_ms, part.done)
