"""One call of `enqueue`: open or resume the job, plan it, publish its shards, finalize it."""

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, connect
from funasr_fleet.contract.layout import BadJobName, check_job_name
from funasr_fleet.contract.queues import BrokerUnavailable, lanes
from funasr_fleet.contract.transcript import utc_now
from funasr_fleet.producer.discovery.interface import BadRow, BadSource
from funasr_fleet.producer.errors import AnotherProducer, JobRefused
from funasr_fleet.producer.job_lock import JobLock
from funasr_fleet.producer.model_choice import Route
from funasr_fleet.producer.planning.bad_rows import BadRows
from funasr_fleet.producer.planning.discover import DiscoveryRequest, discover, open_sources
from funasr_fleet.producer.planning.parts import Part, plan_parts, read_part
from funasr_fleet.producer.planning.planner_process import plan_in_subprocess, relaxed_gc
from funasr_fleet.producer.planning.request import (
    JobRequest,
    read_request,
    write_planned,
    write_request,
)
from funasr_fleet.producer.publishing.publication import Publication
from funasr_fleet.producer.result import EnqueueResult, ProgressCallback
from funasr_fleet.producer.routing import refuse_unsupported, revision_at, route_job
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectDenied, ObjectStore, StoreError
from funasr_fleet.storage.s3 import S3Store


@dataclass(kw_only=True)
class EnqueueRun:
    """The state of one `enqueue` call. For the fields see api.enqueue."""

    request: JobRequest
    settings: Settings
    store: ObjectStore
    result: EnqueueResult
    strict: bool
    max_ready: int
    progress: ProgressCallback
    warn: Callable[[str], None]

    def __post_init__(self) -> None:
        redis, prefix = connect(self.settings), self.settings.key_prefix
        self._redis = redis
        self._ledger, self._writer = LedgerReader(redis, prefix), JobWriter(redis, prefix)
        self._bad_rows = BadRows(self.store, self.result.output, self.result.job)
        self._is_in_s3 = False
        """Whether the request of the job is saved in S3."""
        self._started_at = utc_now()

    def run(self) -> EnqueueResult:
        """Publish the rest of the job. Raises the errors of api.enqueue."""
        self.request.check()
        self._check_name()
        self._route = self._select_route()
        self._check_output()
        open_sources(self.request, self.store)  # rejects invalid sources before work starts
        with JobLock(self._redis, self.settings.key_prefix, self.result.job) as lock:
            queue = self._open_job()
            if not self.result.published_before:
                with self._undo_on_failure(), contextlib.closing(self._discover()) as new_parts:
                    self._publish_all(self._saving_request(new_parts), queue, lock)
        # if every file is up to date, no worker finalizes the job
        JobFinalizer(self._ledger, self._writer, self.store).close(self.result.job)
        return self.result

    def _check_name(self) -> None:
        try:
            check_job_name(self.result.job)
        except BadJobName as error:
            raise JobRefused(str(error)) from None

    def _select_route(self) -> Route:
        """The job's queue and model. Raises OptionsRefused for unsupported options of a new job."""
        about = self._writer.about(self.result.job)
        route = route_job(self._redis, self.settings, self.request.model, about.get("queue"))
        if "request" not in about:  # a job that was started before is always resumed
            refuse_unsupported(self._redis, self.settings, route, self.request.options)
        self.result.queue = route.queue
        return route

    def _check_output(self) -> None:
        with contextlib.suppress(ObjectDenied):  # permission to write is sufficient
            # reports a missing bucket before work starts
            next(iter(self.store.list(self.result.output)), None)

    def _discover(self) -> Generator[Part, None, None]:
        """Parts that are not planned yet, from a subprocess if possible (not for stdin)."""
        search = DiscoveryRequest(
            job=self.result.job,
            request=self.request,
            model_revision=revision_at(self._redis, self.settings, self._route),
        )
        in_subprocess = "-" not in self.request.sources and type(self.store) is S3Store
        yield from (
            plan_in_subprocess(search, self._record_bad_row, self._record_ignored)
            if in_subprocess
            else discover(search, self.store, self._record_bad_row, self._record_ignored)
        )

    def _publish_all(self, new_parts: Iterator[Part], queue: str, lock: JobLock) -> None:
        job = self.result.job
        publication = Publication(
            settings=self.settings,
            writer=self._writer,
            ready=lambda: self._ledger.ready(queue),
            job=job,
            request=self.request,
            queue=queue,
            max_ready=self.max_ready,
            check_lock=lock.renew,
        )
        with relaxed_gc(), publication:
            windows, _ = publication.cursor
            self._count_published(windows)
            parts = plan_parts(
                self.store, self._writer, self.request, job, first=windows, new_parts=new_parts
            )
            for part in parts:
                windows = part.number + 1
                self._publish(publication, part)
                if self.result.cancelled:
                    return
        if not windows and self._remove_if_unplanned():
            self.result.empty = True
            return
        self._save_request()
        self._bad_rows.keep()
        write_planned(self.store, self.result.output, job, windows)
        self._writer.end_publishing(job, windows)

    def _count_published(self, windows: int) -> None:
        """Start the result with the counts of the windows that an earlier run has published."""
        if windows and (
            last := read_part(self.store, self.result.output, self.result.job, windows - 1)
        ):
            self._count(last)

    def _count(self, part: Part) -> None:
        self.result.files, self.result.skipped = part.next_cursor.found, part.next_cursor.done
        self.result.bad_row_count = max(self.result.bad_row_count, part.next_cursor.bad)
        self._record_ignored(part.next_cursor.ignored)

    def _saving_request(self, new_parts: Iterator[Part]) -> Iterator[Part]:
        """Pass the parts on; before the first one, save the job's request in S3."""
        for part in new_parts:
            self._save_request()
            yield part

    def _save_request(self) -> None:
        if not self._is_in_s3:
            write_request(self.store, self.result.job, self.request, self._started_at)
            self._is_in_s3 = True

    @contextlib.contextmanager
    def _undo_on_failure(self) -> Iterator[None]:
        """If an error occurs before any window is planned, remove the job."""
        try:
            yield
        except AnotherProducer:
            raise  # the job belongs to the other process
        except BaseException:  # includes an interrupt by the user
            with contextlib.suppress(BrokerUnavailable, StoreError):  # report the first error
                self._remove_if_unplanned()
            raise

    def _remove_if_unplanned(self) -> bool:
        """Remove the job and its invalid rows if no window is planned; return whether it did."""
        if self._is_in_s3 or not self._writer.remove(self.result.job):
            return False
        self._bad_rows.remove()
        return True

    def _publish(self, publication: Publication, part: Part) -> None:
        self._bad_rows.keep()
        if any(not file.done for file in part.files):
            self._emit_warnings()
        self._count(part)
        self.progress(self.result, None)
        for sent in publication.publish(part, lambda ready: self.progress(self.result, ready)):
            self.result.shards += sent.shards
            self.result.enqueued += sent.files
            self.result.audio_s += sent.audio_ms / 1000
            self.progress(self.result, None)
        self.result.cancelled = publication.cancelled

    def _open_job(self) -> str:
        """Open or resume the job; returns its lane."""
        job, output, digest = self.result.job, self.result.output, self.request.digest
        about = self._writer.about(job)
        self._is_in_s3 = read_request(self.store, output, job) is not None
        if "request" not in about:  # workers may have restored a part of a lost ledger
            if self._is_in_s3:
                raise JobRefused(
                    f"Redis has lost job {job}, but its plan is in S3. Run: "
                    f"fleet reconcile {job} --output {output}"
                )
            if self._ledger.counts(job):  # for example a job that another client sends
                raise JobRefused(f"job {job} already exists: choose another name")
            queue = self._least_used_lane()
            if not self._writer.begin(job, output, request=digest, queue=queue):
                raise JobRefused(f"job {job} already exists: choose another name")
        elif about["request"] != digest:
            raise JobRefused(f"job {job} already exists with other arguments: choose another name")
        elif "cancelled_at" in about:
            raise JobRefused(f"job {job} was cancelled: choose another name")
        else:
            queue, self.result.resumed = about["queue"], True
            self.result.published_before = about.get("published") == "1"
        return queue

    def _least_used_lane(self) -> str:
        """The lane with the fewest running jobs; among equals, the fewest ready messages."""
        running = self._ledger.jobs_by_queue()
        return min(
            lanes(self._route.queue),
            key=lambda lane: (running.get(lane, 0), self._ledger.ready(lane)),
        )

    def _emit_warnings(self) -> None:
        """Emit each warning once, before the first publication; publishing may take hours."""
        emitted, self.result.warnings = self.result.warnings, list(self._route.warnings)
        for warning in self._route.warnings:
            if warning not in emitted:
                self.warn(warning)

    def _record_ignored(self, by_suffix: dict[str, int]) -> None:
        self.result.ignored = by_suffix

    def _record_bad_row(self, row: BadRow) -> None:
        if self.strict:
            raise BadSource(f"{row}; invalid rows are skipped unless strict is set")
        self.result.note(str(row))
        self._bad_rows.add(str(row), self.result.bad_row_count)
