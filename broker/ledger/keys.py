"""Names of the ledger's keys; the Lua scripts derive the keys of one job from its base key."""

from dataclasses import dataclass, field

from funasr_fleet.broker.ledger.values import KINDS, OUTCOMES, PARTS
from funasr_fleet.contract.layout import check_job_name


@dataclass(frozen=True)
class Keys:
    """All keys of one fleet."""

    prefix: str = ""
    """FLEET_KEY_PREFIX."""
    jobs: str = field(init=False)
    """Sorted set: job names, scored by creation time."""
    workers: str = field(init=False)
    """Hash: the last report of each worker child."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "jobs", f"{self.prefix}fleet:jobs")
        object.__setattr__(self, "workers", f"{self.prefix}fleet:workers")

    def job(self, job: str, *parts: str) -> str:
        """The key of the job's hash, or of one of its parts.

        Raises:
            BadJobName: the name is not valid; it could collide with another job's keys.
        """
        return ":".join((f"{self.prefix}fleet:job:{check_job_name(job)}", *parts))

    def all_of(self, job: str) -> list[str]:
        """Every key of a job."""
        kinds = [name for kind in KINDS for name in (f"kind:{kind}", f"examples:{kind}")]
        return [self.job(job), *(self.job(job, name) for name in (*OUTCOMES, *PARTS, *kinds))]
