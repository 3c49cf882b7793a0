"""One call of enqueue: open the job or go on with it, plan, publish, close."""

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from contract.closing import Closer
from contract.job import check_output
from contract.job_name import BadJobName, check_job_name
from contract.ledger import Ledger, Planner, connect
from contract.queues import BrokerUnavailable, lanes
from contract.s3 import S3Store
from contract.settings import BadConfiguration, Settings
from contract.store import ObjectDenied, ObjectStore, StoreError
from contract.transcript import utc_now
from producer.bad_rows import BadRows
from producer.claim import ProducerClaim
from producer.directing import direct, refuse_unsupported, revision_at
from producer.garbage import rare_collections
from producer.model_choice import Choice
from producer.planning.beside import find_beside
from producer.planning.fresh import Search, find, open_sources
from producer.planning.job_plan import JobPlan
from producer.planning.parts import Part
from producer.planning.request import (
    JobRequest,
    read_request,
    write_planned,
    write_request,
)
from producer.publishing.publication import Publication
from producer.refusals import AnotherProducer, JobRefused
from producer.result import EnqueueResult, Progress
from producer.sources.interface import BadRow, BadSource


@dataclass(kw_only=True)
class Enqueuing:
    """One call."""

    request: JobRequest
    settings: Settings
    store: ObjectStore
    result: EnqueueResult
    strict: bool
    max_ready: int
    progress: Progress
    warn: Callable[[str], None]

    def __post_init__(self) -> None:
        redis, prefix = connect(self.settings), self.settings.key_prefix
        self._redis: Any = redis
        self._ledger, self._planner = Ledger(redis, prefix), Planner(redis, prefix)
        self._bad_rows = BadRows(self.store, self.result.output, self.result.job)
        self._is_in_s3 = False
        """Whether S3 knows the job."""
        self._begun = utc_now()
        self._closer = Closer(self._ledger, self._planner, self.store)

    def to_the_end(self) -> EnqueueResult:
        """Do all that is left to do of the job. Raises as enqueue does."""
        self._check_name()
        self._choice = self._choose()
        self._check_output()
        open_sources(self.request, self.store)  # what is none is told before work starts
        with ProducerClaim(self._redis, self.settings.key_prefix, self.result.job) as claim:
            queue = self._begin()
            if not self.result.published_before:
                with self._nothing_left_of_a_failure(), contextlib.closing(self._find()) as fresh:
                    self._publish_all(self._kept_in_s3(fresh), queue, claim)
        self._closer.close(self.result.job)  # nothing may have been left to do
        return self.result

    def _check_name(self) -> None:
        try:
            check_job_name(self.result.job)
        except BadJobName as error:
            raise JobRefused(str(error)) from None

    def _choose(self) -> Choice:
        """Where the job goes; refused at once when the model cannot do it."""
        about = self._planner.about(self.result.job)
        choice = direct(self._redis, self.settings, self.request.model, about.get("queue"))
        if "request" not in about:  # what is begun is gone on with
            refuse_unsupported(self._redis, self.settings, choice, self.request.options)
        self.result.queue = choice.queue
        return choice

    def _check_output(self) -> None:
        try:
            check_output(self.result.output)
        except ValueError as error:
            raise BadConfiguration(f"output {self.result.output} {error}") from None
        with contextlib.suppress(ObjectDenied):  # allowed to write is enough
            # a bucket that is missing is told before work starts
            next(iter(self.store.list(self.result.output)), None)

    def _find(self) -> Generator[Part, None, None]:
        """What is to be planned; read beside the publishing where that can be."""
        search = Search(
            job=self.result.job,
            request=self.request,
            model_revision=revision_at(self._redis, self.settings, self._choice),
        )
        beside = "-" not in self.request.sources and type(self.store) is S3Store
        yield from (
            find_beside(search, self._note) if beside else find(search, self.store, self._note)
        )

    def _publish_all(self, fresh: Iterator[Part], queue: str, claim: ProducerClaim) -> None:
        plan = JobPlan(
            store=self.store,
            planner=self._planner,
            job=self.result.job,
            request=self.request,
            fresh=fresh,
        )
        publication = Publication(
            settings=self.settings,
            planner=self._planner,
            ready=lambda: self._ledger.ready(queue),
            job=self.result.job,
            request=self.request,
            queue=queue,
            max_ready=self.max_ready,
            alive=claim.renew,
        )
        with rare_collections(), publication:
            window, _ = publication.cursor
            for part in plan.parts(window):
                self._publish(publication, part)
                if self.result.cancelled:
                    return
        if not plan.windows and self._take_back():
            self.result.empty = True
            return
        self._keep_request()
        self._bad_rows.keep()
        write_planned(self.store, self.result.output, self.result.job, plan.windows)
        self._planner.end_publishing(self.result.job, plan.windows)

    def _kept_in_s3(self, fresh: Iterator[Part]) -> Iterator[Part]:
        """The same parts; S3 hears of the job with the first of them, and not if there is none."""
        for part in fresh:
            self._keep_request()
            yield part

    def _keep_request(self) -> None:
        if not self._is_in_s3:
            write_request(self.store, self.result.job, self.request, self._begun)
            self._is_in_s3 = True

    @contextlib.contextmanager
    def _nothing_left_of_a_failure(self) -> Iterator[None]:
        """A job that fails before anything of it is planned is not begun."""
        try:
            yield
        except AnotherProducer:
            raise  # it is theirs
        except BaseException:  # interrupted by the user, too
            with contextlib.suppress(BrokerUnavailable, StoreError):  # the failure matters more
                self._take_back()
            raise

    def _take_back(self) -> bool:
        """Forget the job if nothing of it is planned; whether it is gone."""
        if self._is_in_s3 or not self._planner.remove(self.result.job):
            return False
        self._bad_rows.remove()
        return True

    def _publish(self, publication: Publication, part: Part) -> None:
        self._bad_rows.keep()
        if any(not file.done for file in part.files):
            self._tell_warnings()
        self.result.files, self.result.skipped = part.behind.found, part.behind.done
        self.result.bad_row_count = max(self.result.bad_row_count, part.behind.bad)
        self.progress(self.result, None)
        for sent in publication.publish(part, lambda ready: self.progress(self.result, ready)):
            self.result.shards += sent.shards
            self.result.enqueued += sent.files
            self.result.audio_s += sent.audio_ms / 1000
            self.progress(self.result, None)
        self.result.cancelled = publication.cancelled

    def _begin(self) -> str:
        """Open the job, or go on with it; returns its queue."""
        job, output, digest = self.result.job, self.result.output, self.request.digest
        about = self._planner.about(job)
        self._is_in_s3 = read_request(self.store, output, job) is not None
        if "request" not in about:  # workers may have brought back a part of a lost ledger
            if self._is_in_s3:
                raise JobRefused(
                    f"Redis has lost job {job}, but S3 knows it: "
                    f"fleet reconcile {job} --output {output}"
                )
            if self._ledger.counts(job):  # of a job that another client sends, say
                raise JobRefused(f"there is a job {job} already: choose another name")
            queue = self._least_used_lane()
            if not self._planner.begin(job, output, request=digest, queue=queue):
                raise JobRefused(f"there is a job {job} already: choose another name")
        elif about["request"] != digest:
            raise JobRefused(f"there is a job {job} already: choose another name")
        elif "cancelled_at" in about:
            raise JobRefused(f"job {job} was cancelled: choose another name")
        else:
            queue, self.result.resumed = about["queue"], True
            self.result.published_before = about.get("published") == "1"
        return queue

    def _least_used_lane(self) -> str:
        """Of the fewest jobs that go on, then of the fewest messages."""
        going_on = self._ledger.jobs_by_queue()
        return min(
            lanes(self._choice.queue),
            key=lambda lane: (going_on.get(lane, 0), self._ledger.ready(lane)),
        )

    def _tell_warnings(self) -> None:
        """Once there is something to publish: then it matters, and it may wait for hours."""
        told, self.result.warnings = self.result.warnings, list(self._choice.warnings)
        for warning in self._choice.warnings:
            if warning not in told:
                self.warn(warning)

    def _note(self, row: BadRow) -> None:
        if self.strict:
            raise BadSource(f"{row}; leave --strict out to go on without such rows")
        self.result.note(str(row))
        self._bad_rows.add(str(row), self.result.bad_row_count)
