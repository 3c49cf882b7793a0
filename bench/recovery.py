"""How soon work goes on after something died, with the default visibility timeout.

Four jobs, a fault in each; after each, every file is audited.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.casualties import Fleet, Job, begin
from bench.machine import describe_machine
from contract.s3 import S3Store
from contract.settings import Settings
from local.environment import adopt
from local.faults import killing
from local.faults.audit import Audit
from local.faults.broker import MortalBroker
from local.faults.storage import FAIR, Storage, Weather, faulty_storage
from local.samples import SAMPLES
from local.stack import running_stack

_AUDIO = "s3://audio/recovery/two-minutes.mp3"
_OUTAGE_S = 30.0
_BROKER_AWAY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class RecoveryResult:
    """What `python -m bench recovery --json` prints."""

    child_sigkill_s: float
    """From the SIGKILL of a child until the files that it had in hand are done."""
    worker_sigkill_s: float
    """The same for a whole worker, whose files another one does."""
    broker_restart_s: float
    """From when a killed broker answers again until the next file is done."""
    s3_outage_s: float
    """From the end of half a minute in which S3 refused everything until the next file is done."""
    lost: int
    """Files without an outcome, of all four jobs."""
    double_counted: int
    """Files with two."""
    visibility_timeout_s: int
    machine: dict[str, object]

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """A line per fault."""
        return "\n".join(
            [
                f"child killed: its files are done after {self.child_sigkill_s} s",
                f"worker killed: its files are done after {self.worker_sigkill_s} s "
                f"(visibility timeout {self.visibility_timeout_s} s)",
                f"broker back: work goes on after {self.broker_restart_s} s",
                f"S3 back: work goes on after {self.s3_outage_s} s",
                f"{self.lost} files lost, {self.double_counted} counted twice",
            ]
        )


@dataclass(eq=False)
class _Recovery:
    """See above."""

    directory: Path
    settings: Settings
    broker: MortalBroker
    storage: Storage
    fleet: Fleet
    audits: list[Audit] = field(default_factory=list)

    def measure(self, name: str, fault: Callable[[Job], float]) -> float:
        """What comes of the fault in a job of its own."""
        self.fleet.stand()
        job = begin(self.directory, name, _AUDIO, self.settings)
        seconds = fault(job)
        self.audits.append(job.verdict())
        return round(seconds, 1)

    def kill_child(self, job: Job) -> float:
        """One child, with a shard in its hands."""
        worker, files = job.caught(self.fleet.workers)
        killing.kill_child(worker)
        return job.until_done(files)

    def kill_worker(self, job: Job) -> float:
        """A whole worker; another one has to wait for its lease to end."""
        worker, files = job.caught(self.fleet.workers)
        killing.kill_worker(worker)
        return job.until_done(files)

    def restart_broker(self, job: Job) -> float:
        """Killed, and started again with its data."""
        job.caught(self.fleet.workers)
        self.broker.kill()
        time.sleep(_BROKER_AWAY_S)
        self.broker.start()
        return job.until_more()

    def interrupt_storage(self, job: Job) -> float:
        """Every request fails for a while."""
        job.caught(self.fleet.workers)
        self.storage.weather = Weather(failing=1.0)
        time.sleep(_OUTAGE_S)
        self.storage.weather = FAIR
        return job.until_more()


def run_recovery(directory: Path) -> RecoveryResult:
    """Kill, and see how soon it is as if nothing had happened."""
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
            MortalBroker(stack) as broker,
            faulty_storage(stack.environment["AWS_ENDPOINT_URL_S3"]) as storage,
        ):
            fleet = Fleet({**stack.environment, "AWS_ENDPOINT_URL_S3": storage.url}, directory)
            try:
                yield _Recovery(directory, Settings.load(), broker, storage, fleet)
            finally:
                fleet.stop()
