"""The checks that `enqueue` makes before it writes anything; a dry run makes the same ones."""

from dataclasses import dataclass

from funasr_fleet.broker.ledger import JobWriter, LedgerReader
from funasr_fleet.broker.redis_client import RedisClient
from funasr_fleet.contract.layout import BadJobName, check_job_name
from funasr_fleet.producer.discovery.folder import LocalFolder
from funasr_fleet.producer.errors import JobRefused
from funasr_fleet.producer.job_lock import JobLock
from funasr_fleet.producer.model_choice import Route
from funasr_fleet.producer.planning.discover import open_sources
from funasr_fleet.producer.planning.request import JobRequest, has_request, is_same_request
from funasr_fleet.producer.routing import check_options, route_job
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import BucketNotAllowed, ObjectDenied, ObjectStore


@dataclass(frozen=True, kw_only=True)
class JobState:
    """What Redis and S3 hold of a job that can be published."""

    about: dict[str, str]
    """Its fields in the ledger."""
    is_in_s3: bool
    """Whether its request is saved in S3."""

    @property
    def is_new(self) -> bool:
        """Whether no earlier run has started it."""
        return "request" not in self.about


@dataclass(frozen=True, kw_only=True)
class JobChecks:
    """The checks of one job. Every method only reads, and raises the errors of api.enqueue."""

    request: JobRequest
    job: str
    settings: Settings
    store: ObjectStore
    redis: RedisClient

    def check_all(self) -> Route:
        """Make every check that `enqueue` makes; returns the job's route."""
        route = self.check_call()
        JobLock(self.redis, self.settings.key_prefix, self.job).check_free()
        self.check_state()
        return route

    def check_call(self) -> Route:
        """Check the arguments against the fleet and S3; returns the job's route."""
        self.request.check()
        self._check_name()
        route = self._select_route()
        self._check_output()
        for source in open_sources(self.request, self.store):
            if isinstance(source, LocalFolder):
                next(iter(self.store.list(source.upload)), None)
        return route

    def check_state(self) -> JobState:
        """Check that the job is new, or that an earlier run started it with the same request."""
        about = self._writer.about(self.job)
        state = JobState(about=about, is_in_s3=self._is_in_s3())
        if state.is_new:  # workers may have restored a part of a lost ledger
            self._refuse_existing(state)
        elif not is_same_request(self.store, self.job, self.request, about["request"]):
            raise JobRefused(
                f"job {self.job} already exists with other arguments: choose another name"
            )
        elif "cancelled_at" in about:
            raise JobRefused(f"job {self.job} was cancelled: choose another name")
        return state

    @property
    def _writer(self) -> JobWriter:
        return JobWriter(self.redis, self.settings.key_prefix)

    def _is_in_s3(self) -> bool:
        return has_request(self.store, self.request.output, self.job)

    def _check_name(self) -> None:
        try:
            check_job_name(self.job)
        except BadJobName as error:
            raise JobRefused(str(error)) from None

    def _select_route(self) -> Route:
        """The job's queue and model. Raises OptionsRefused for unsupported options of a new job."""
        about = self._writer.about(self.job)
        route = route_job(self.redis, self.settings, self.request.model, about.get("queue"))
        if "request" not in about:  # a job that was started before is always resumed
            route = check_options(self.redis, self.settings, route, self.request.options)
        return route

    def _check_output(self) -> None:
        try:  # finds a missing bucket
            next(iter(self.store.list(self.request.output)), None)
        except BucketNotAllowed:
            raise
        except ObjectDenied:
            return  # permission to write is sufficient

    def _refuse_existing(self, state: JobState) -> None:
        if state.is_in_s3:
            raise JobRefused(
                f"Redis has lost job {self.job}, but its plan is in S3. Run: "
                f"fleet reconcile {self.job} --output {self.request.output}"
            )
        # for example a job that another client sends
        if LedgerReader(self.redis, self.settings.key_prefix).counts(self.job):
            raise self.already_exists()

    def already_exists(self) -> JobRefused:
        """The error for a job name that is in use."""
        return JobRefused(f"job {self.job} already exists: choose another name")
