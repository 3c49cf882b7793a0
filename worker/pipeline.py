"""One shard from beginning to end: fetch -> decode -> find speech -> recognise -> write.

Fetching, decoding and writing go on in threads of their own while the device is at work, and the
speech of all files is recognised together. The pipeline says what happened by events, and never
how that is counted.
"""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from contract.job import Shard
from contract.store import ObjectStore
from contract.transcript import utc_now
from worker.busy import BusyClock
from worker.committing import Committer
from worker.engine.interface import Engine
from worker.events import ModelsWorked, Observer
from worker.failures import Retry, decide
from worker.fetching import Fetcher, Incoming
from worker.handover import made_ahead
from worker.hearing import Ended, Spoken
from worker.limits import Limits
from worker.listening import listen
from worker.outcomes import Outcomes, Record
from worker.planning.grouping import MOST_S, in_groups
from worker.progress import ENDLESS, Beat, Patience, unheard
from worker.receipts import Circumstances
from worker.recognising import recognise
from worker.sources import AudioSource

_WRITERS = 4
_END_S = 10.0
"""What the end of a file counts like, in speech: silent files must not wait for others to speak."""

Groups = Generator[list[Spoken | Ended], None, None]


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What a shard cost."""

    threads: int
    """The most torch threads found after a file."""
    busy_s: float
    """Time in which the models were at work."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Everything that a shard needs on its way, wired once per process."""

    store: ObjectStore
    engine: Engine
    observe: Observer
    limits: Limits
    audio: AudioSource | None = None
    """Where audio comes from, if not from the store alone."""
    patience: Patience = ENDLESS
    beat: Beat = unheard
    """Told of every step; see worker.progress."""
    at_once: int = 1
    """Files that come in while one is at work."""
    ahead: bool = False
    """Whether files are decoded and listened to while earlier ones are recognised: pays with a
    device beside the CPU, where it hinders nobody."""
    now: Callable[[], str] = utc_now

    def run(
        self,
        shard: Shard,
        who: Circumstances,
        record: Record,
        stop: Callable[[], bool] = lambda: False,
    ) -> Effort:
        """Give every file of the shard its outcome; once `stop` says so, begin no other file.

        Raises:
            Exception: whatever worker.failures.decide does not answer with Skip. Files that
                storage refuses for now do not keep the others from being committed.
        """
        fetcher = self.fetcher
        with ThreadPoolExecutor(1, "listen") as ears, ThreadPoolExecutor(_WRITERS, "write") as pens:
            outcomes = Outcomes(
                shard=shard,
                engine=self.engine,
                committer=Committer(engine=self.engine.identity, who=who, now=self.now),
                fingerprint=fetcher.fingerprint,
                writers=pens,
                record=record,
                observe=self.observe,
            )
            busy = BusyClock(time.perf_counter)
            with (  # an error's traceback would keep them, and their threads
                contextlib.closing(fetcher.fetch_ahead(shard, stop)) as files,
                contextlib.closing(self._groups(files, busy, ears)) as groups,
            ):
                self._hear(groups, outcomes, busy)
        if outcomes.postponed:
            raise outcomes.postponed[0]
        return Effort(threads=outcomes.threads, busy_s=busy.total_s)

    @property
    def fetcher(self) -> Fetcher:
        """What brings the files of a shard in, and knows which have their result."""
        return Fetcher(
            store=self.store,
            audio=self.audio,
            model_revision=self.engine.identity.model_revision,
            abilities=self.engine.abilities,
            limits=self.limits,
            patience=self.patience,
            beat=self.beat,
            at_once=self.at_once,
            decodes_ahead=self.ahead,
        )

    def _groups(self, files: Iterable[Incoming], busy: BusyClock, ears: Executor) -> Groups:
        speech = listen(self.engine, files, busy)
        if self.ahead:
            return made_ahead(in_groups(speech, _seconds), 1, ears)
        return in_groups(speech, _seconds, first_s=MOST_S)  # nothing waits for the first one

    def _hear(self, groups: Groups, outcomes: Outcomes, busy: BusyClock) -> None:
        try:
            for group in groups:
                for one in itertools.takewhile(_is_end, group):  # their speech came before
                    outcomes.end(one.hearing)
                recognise(self.engine, [one for one in group if isinstance(one, Spoken)], busy)
                self.observe(ModelsWorked(seconds=busy.take()))
                for one in filter(_is_end, itertools.dropwhile(_is_end, group)):
                    outcomes.end(one.hearing)
        except BaseException:
            outcomes.salvage()  # the first error is the one to be told
            raise
        outcomes.settle()


def _is_end(one: Spoken | Ended) -> bool:
    return isinstance(one, Ended)


def _seconds(one: Spoken | Ended) -> float:
    """What a group has more by this one; what storage refuses is told at once."""
    if isinstance(one, Spoken):
        return one.clip.seconds
    error = one.hearing.error
    return math.inf if error and isinstance(decide(error, 0), Retry) else _END_S
