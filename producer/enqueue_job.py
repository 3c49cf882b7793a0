"""One call of `enqueue`: open or resume the job, plan it, publish its shards, finalize it."""

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, connect
from funasr_fleet.contract.queues import BrokerUnavailable, lanes
from funasr_fleet.contract.transcript import utc_now
from funasr_fleet.producer.discovery.interface import BadRow
from funasr_fleet.producer.errors import AnotherProducer
from funasr_fleet.producer.job_checks import JobChecks
from funasr_fleet.producer.job_lock import JobLock
from funasr_fleet.producer.jobs.status import check_whole
from funasr_fleet.producer.planning.bad_rows import BadRows
from funasr_fleet.producer.planning.discover import DiscoveryRequest, discover
from funasr_fleet.producer.planning.parts import Part, plan_parts, read_part
from funasr_fleet.producer.planning.planner_process import plan_in_subprocess, relaxed_gc
from funasr_fleet.producer.planning.request import JobRequest, write_planned, write_request
from funasr_fleet.producer.publishing.publication import Publication
from funasr_fleet.producer.result import EnqueueResult, ProgressCallback
from funasr_fleet.producer.routing import revision_at
from funasr_fleet.producer.shared_output import warn_of_shared_output
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore, StoreError
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
        self._checks = JobChecks(
            request=self.request,
            job=self.result.job,
            settings=self.settings,
            store=self.store,
            redis=redis,
        )
        self._bad_rows = BadRows(self.store, self.result.output, self.result.job)
        self._is_in_s3 = False
        """Whether the request of the job is saved in S3."""
        self._started_at = utc_now()

    def run(self) -> EnqueueResult:
        """Publish the rest of the job. Raises the errors of api.enqueue."""
        self._route = self._checks.check_call()
        self.result.queue = self._route.queue
        with JobLock(self._redis, self.settings.key_prefix, self.result.job) as lock:
            queue = self._open_job()
            if not self.result.published_before:
                with self._undo_on_failure(), contextlib.closing(self._discover()) as new_parts:
                    self._publish_all(self._saving_request(new_parts), queue, lock)
        # if every file is up to date, no worker finalizes the job
        JobFinalizer(self._ledger, self._writer, self.store).close(self.result.job)
        if not self.result.empty:
            check_whole(self._ledger, self.result.job, self.result.output)
        return self.result

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
        shared = warn_of_shared_output(self._ledger, self.store, job, self.request)
        self._warnings = [*self._route.warnings, *shared]
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
        """Set the counts of the result to those of the windows that an earlier run published."""
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
        state = self._checks.check_state()
        self._is_in_s3 = state.is_in_s3
        if not state.is_new:
            self.result.resumed = True
            self.result.published_before = state.about.get("published") == "1"
            return state.about.get("queue") or self._least_used_lane()
        job, queue = self.result.job, self._least_used_lane()
        digest = self.request.digest
        if not self._writer.begin(job, self.result.output, request=digest, queue=queue):
            raise self._checks.already_exists()
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
        emitted, self.result.warnings = self.result.warnings, self._warnings
        for warning in self._warnings:
            if warning not in emitted:
                self.warn(warning)

    def _record_ignored(self, by_suffix: dict[str, int]) -> None:
        self.result.ignored = by_suffix

    def _record_bad_row(self, row: BadRow) -> None:
        if self.strict:
            raise row.as_error()
        self.result.note(str(row))
        self._bad_rows.add(str(row), self.result.bad_row_count)
