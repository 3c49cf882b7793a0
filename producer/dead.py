"""Dead letters: which there are, which of them are meant, and dropping them."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from contract.dead_letters import PAGE, DeadLetter, DeadLetters
from contract.ledger import connect
from contract.settings import Settings
from producer.refusals import NothingChosen


@dataclass(frozen=True, kw_only=True)
class DeadList:
    """Dead letters as `fleet dead list` shows them."""

    letters: tuple[DeadLetter, ...]
    """The latest first; not all, if there are more than were asked for."""
    total: int
    """How many there are."""


@dataclass(kw_only=True)
class DropResult:
    """What was dropped."""

    dropped: int = 0
    unknown: list[str] = field(default_factory=list)
    """Ids that were asked for, and are those of no letter."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which dead letters are meant: these, else those of a job, else all."""

    ids: tuple[str, ...] = ()
    job: str | None = None

    @classmethod
    def of(cls, ids: Sequence[str], job: str | None, everything: bool) -> Self:
        """The choice of a command.

        Raises:
            NothingChosen: unless exactly one of the three says which.
        """
        if bool(ids) + (job is not None) + everything != 1:
            raise NothingChosen(
                "say which dead letters: their ids, or --job JOB, or --all; "
                "`fleet dead list` shows them"
            )
        return cls(ids=tuple(dict.fromkeys(ids)), job=job)

    def batches(
        self, letters: DeadLetters, missing: Callable[[str], None]
    ) -> Iterator[list[DeadLetter]]:
        """The letters meant, as they are now, never many at a time.

        Args:
            letters: all of them.
            missing: told each id that is asked for and not there.
        """
        if not self.ids:
            for page in letters.pages():
                # read again: a page may tell of a letter that the last batch did away with
                yield letters.take([one.message_id for one in page if self._is_meant(one)])
            return
        for begin in range(0, len(self.ids), PAGE):
            some = self.ids[begin : begin + PAGE]
            found = letters.take(some)
            known = {one.message_id for one in found}
            for message_id in some:
                if message_id not in known:
                    missing(message_id)
            yield found

    def _is_meant(self, letter: DeadLetter) -> bool:
        return self.job is None or letter.job == self.job


def list_dead(
    job: str | None = None, *, limit: int = 20, settings: Settings | None = None
) -> DeadList:
    """The latest dead letters.

    Args:
        job: only those of this job.
        limit: so many at most.
        settings: by default read from the environment.

    Raises:
        BrokerUnavailable: Redis cannot be reached.
    """
    letters, chosen = _open(settings), Chosen(job=job)
    seen = 0

    def wanted() -> Iterator[DeadLetter]:
        nonlocal seen
        for batch in chosen.batches(letters, lambda _: None):
            seen += len(batch)
            yield from batch

    # of millions, no more are kept than are shown
    latest = heapq.nlargest(limit, wanted(), key=lambda one: one.at)
    once = {one.message_id: one for one in latest}
    return DeadList(letters=tuple(once.values()), total=letters.count() if job is None else seen)


def drop_dead(
    *,
    ids: Sequence[str] = (),
    job: str | None = None,
    everything: bool = False,
    settings: Settings | None = None,
) -> DropResult:
    """Forget dead letters: these, or those of a job, or all; their files stay failed.

    Raises:
        NothingChosen: it is not said which.
        BrokerUnavailable: Redis cannot be reached.
    """
    chosen, letters, result = Chosen.of(ids, job, everything), _open(settings), DropResult()
    for batch in chosen.batches(letters, result.unknown.append):
        result.dropped += letters.drop([one.message_id for one in batch])
    return result


def _open(settings: Settings | None) -> DeadLetters:
    settings = settings or Settings.load()
    return DeadLetters(connect(settings), settings.key_prefix)
