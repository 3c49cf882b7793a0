"""Select, list and drop dead letters."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from funasr_fleet.broker.dead_letters import PAGE, DeadLetter, DeadLetters
from funasr_fleet.broker.ledger import connect
from funasr_fleet.producer.arguments import check_number
from funasr_fleet.producer.errors import NothingChosen
from funasr_fleet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class DeadList:
    """Dead letters as `fleet dead list` shows them."""

    letters: tuple[DeadLetter, ...]
    """The newest first, up to the limit."""
    total: int
    """Number of dead letters, of the job if one is given."""


@dataclass(kw_only=True)
class DropResult:
    """Counts of one drop call."""

    dropped: int = 0
    unknown: list[str] = field(default_factory=list)
    """Given ids for which there is no dead letter."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The selected dead letters: those with these ids, else those of a job, else all."""

    ids: tuple[str, ...] = ()
    job: str | None = None

    @classmethod
    def of(cls, ids: Sequence[str], job: str | None, everything: bool) -> Self:
        """The selection of a command.

        Raises:
            NothingChosen: not exactly one of the three is given.
        """
        if bool(ids) + (job is not None) + everything != 1:
            raise NothingChosen(
                "select dead letters by id, by job, or all of them; `fleet dead list` shows them"
            )
        return cls(ids=tuple(dict.fromkeys(ids)), job=job)

    def batches(
        self, letters: DeadLetters, missing: Callable[[str], None]
    ) -> Iterator[Iterable[DeadLetter]]:
        """The selected dead letters in their current state, in batches of about a hundred.

        Each is parsed when it is reached. A batch must be consumed before the next one.

        Args:
            letters: all dead letters.
            missing: called with each given id for which there is no dead letter.
        """
        if not self.ids:
            for page in letters.pages():
                # read again: a page may contain a dead letter that the last batch removed
                yield letters.take([one.message_id for one in page if self._is_selected(one)])
            return
        for begin in range(0, len(self.ids), PAGE):
            yield _existing(letters, self.ids[begin : begin + PAGE], missing)

    def _is_selected(self, letter: DeadLetter) -> bool:
        return self.job is None or letter.job == self.job


def _existing(
    letters: DeadLetters, ids: Sequence[str], missing: Callable[[str], None]
) -> Iterator[DeadLetter]:
    """The dead letters with these ids; `missing` is called with the other ids at the end."""
    left = dict.fromkeys(ids)
    for letter in letters.take(ids):
        del left[letter.message_id]
        yield letter
    for message_id in left:
        missing(message_id)


def list_dead(
    job: str | None = None, *, limit: int = 20, settings: Settings | None = None
) -> DeadList:
    """The newest dead letters.

    Args:
        job: only those of this job.
        limit: maximum number of dead letters returned.
        settings: read from the environment by default.

    Raises:
        BadArgument: the limit is not positive.
        BrokerUnavailable: Redis is unavailable.
    """
    check_number("limit", limit, 1, whole=True)
    letters, selection = _open(settings), Selection(job=job)
    seen = 0

    def wanted() -> Iterator[tuple[str, str]]:
        nonlocal seen
        for batch in selection.batches(letters, lambda _: None):
            for one in batch:
                seen += 1
                yield one.at, one.message_id

    # bounds memory: of millions of dead letters, only the shown ones are kept
    latest = dict.fromkeys(name for _, name in heapq.nlargest(limit, wanted()))
    found = tuple(letters.take(tuple(latest)))
    return DeadList(letters=found, total=letters.count() if job is None else seen)


def drop_dead(
    *,
    ids: Sequence[str] = (),
    job: str | None = None,
    everything: bool = False,
    settings: Settings | None = None,
) -> DropResult:
    """Delete dead letters: those with these ids, those of a job, or all. Their files stay failed.

    Raises:
        NothingChosen: not exactly one of ids, job and everything is given.
        BrokerUnavailable: Redis is unavailable.
    """
    selection, letters, result = Selection.of(ids, job, everything), _open(settings), DropResult()
    for batch in selection.batches(letters, result.unknown.append):
        result.dropped += letters.drop([one.message_id for one in batch])
    return result


def _open(settings: Settings | None) -> DeadLetters:
    settings = settings or Settings.load()
    return DeadLetters(connect(settings), settings.key_prefix)
