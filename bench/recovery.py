"""Recovery time after a failure, with the default visibility timeout.

Four jobs with one fault each; after each job, every file is audited.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.casualties import Fleet, Job, begin
from bench.faults import killing
from bench.faults.audit import Audit
from bench.faults.broker import RestartableBroker
from bench.faults.storage import HEALTHY, FaultProfile, Storage, faulty_storage
from bench.machine import describe_machine
from funasr_fleet.embedded.process import adopt
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.stack import running_stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store

_AUDIO = "s3://audio/recovery/two-minutes.mp3"
_OUTAGE_S = 30.0
_BROKER_AWAY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class RecoveryResult:
    """The output of `python -m bench recovery --json`."""

    child_sigkill_s: float
    """From the SIGKILL of a child until the files that it had in progress are done."""
    worker_sigkill_s: float
    """From the SIGKILL of a worker until another one has done its files."""
    broker_restart_s: float
    """From the first answer of a restarted broker until the next file is done."""
    s3_outage_s: float
    """From the end of a 30 s outage of S3 until the next file is done."""
    lost: int
    """Files without an outcome, of all four jobs."""
    double_counted: int
    """Files with two outcomes."""
    visibility_timeout_s: int
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return one line per fault."""
        return "\n".join(
            [
                f"child killed: its files are done after {self.child_sigkill_s} s",
                f"worker killed: its files are done after {self.worker_sigkill_s} s "
                f"(visibility timeout {self.visibility_timeout_s} s)",
                f"broker back: work resumes after {self.broker_restart_s} s",
                f"S3 back: work resumes after {self.s3_outage_s} s",
                f"{self.lost} files lost, {self.double_counted} counted twice",
            ]
        )


@dataclass(eq=False)
class _Recovery:
    """Runs one job per fault on a fleet of two workers."""

    directory: Path
    settings: Settings
    broker: RestartableBroker
    storage: Storage
    fleet: Fleet
    audits: list[Audit] = field(default_factory=list)

    def measure(self, name: str, fault: Callable[[Job], float]) -> float:
        """Run a job with the fault, audit it, and return the recovery time."""
        self.fleet.stand()
        job = begin(self.directory, name, _AUDIO, self.settings)
        seconds = fault(job)
        self.audits.append(job.verdict())
        return round(seconds, 1)

    def kill_child(self, job: Job) -> float:
        """Kill a child that has a shard in progress."""
        worker, files = job.caught(self.fleet.workers)
        killing.kill_child(worker)
        return job.until_done(files)

    def kill_worker(self, job: Job) -> float:
        """Kill a whole worker; another worker takes its files when the lease has expired."""
        worker, files = job.caught(self.fleet.workers)
        killing.kill_worker(worker)
        return job.until_done(files)

    def restart_broker(self, job: Job) -> float:
        """Kill the broker, and restart it with its data."""
        job.caught(self.fleet.workers)
        self.broker.kill()
        time.sleep(_BROKER_AWAY_S)
        self.broker.start()
        return job.until_more()

    def interrupt_storage(self, job: Job) -> float:
        """Fail every request to S3 for a while."""
        job.caught(self.fleet.workers)
        self.storage.weather = FaultProfile(failing=1.0)
        time.sleep(_OUTAGE_S)
        self.storage.weather = HEALTHY
        return job.until_more()


def run_recovery(directory: Path) -> RecoveryResult:
    """Inject each fault and measure the recovery time."""
    with _recovery(directory) as recovery:
        child_s = recovery.measure("child", recovery.kill_child)
        worker_s = recovery.measure("worker", recovery.kill_worker)
        broker_s = recovery.measure("broker", recovery.restart_broker)
        storage_s = recovery.measure("storage", recovery.interrupt_storage)
    return RecoveryResult(
        child_sigkill_s=child_s,
        worker_sigkill_s=worker_s,
        broker_restart_s=broker_s,
        s3_outage_s=storage_s,
        lost=sum(one.lost for one in recovery.audits),
        double_counted=sum(one.double_counted for one in recovery.audits),
        visibility_timeout_s=recovery.settings.visibility_timeout_s,
        machine=describe_machine(),
    )


@contextlib.contextmanager
def _recovery(directory: Path) -> Iterator[_Recovery]:
    with running_stack(directory, buckets=("audio", "transcripts")) as stack:
        adopt({**stack.environment, "FLEET_MODEL": "demo"})
        with (SAMPLES / "inventory-two-minutes.mp3").open("rb") as file:
            S3Store().upload(_AUDIO, file)
        with (
            RestartableBroker(stack) as broker,
            faulty_storage(stack.environment["AWS_ENDPOINT_URL_S3"]) as storage,
        ):
            fleet = Fleet({**stack.environment, "AWS_ENDPOINT_URL_S3": storage.url}, directory)
            try:
                yield _Recovery(directory, Settings.load(), broker, storage, fleet)
            finally:
                fleet.stop()
