"""Names of the ledger's keys; the scripts derive those of one job from its base."""

from dataclasses import dataclass, field

from contract.job_name import check_job_name
from contract.ledger.values import KINDS, OUTCOMES, PARTS


@dataclass(frozen=True)
class Keys:
    """All keys of one fleet."""

    prefix: str = ""
    """FLEET_KEY_PREFIX."""
    jobs: str = field(init=False)
    """Sorted set: name of each job, scored by when it began."""
    workers: str = field(init=False)
    """Hash: the last that each worker child said of itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "jobs", f"{self.prefix}fleet:jobs")
        object.__setattr__(self, "workers", f"{self.prefix}fleet:workers")

    def job(self, job: str, *parts: str) -> str:
        """The job's hash, or what belongs to it.

        Raises:
            BadJobName: that is not a job name; it could be part of another job's key.
        """
        return ":".join((f"{self.prefix}fleet:job:{check_job_name(job)}", *parts))

    def all_of(self, job: str) -> list[str]:
        """Every key of a job."""
        kinds = [name for kind in KINDS for name in (f"kind:{kind}", f"examples:{kind}")]
        return [self.job(job), *(self.job(job, name) for name in (*OUTCOMES, *PARTS, *kinds))]
