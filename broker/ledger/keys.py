"""Names of the keys of jobs and shards; Lua scripts derive the keys of a job from its base key."""

from funasr_fleet.broker.ledger.file_warnings import WARNINGS
from funasr_fleet.broker.ledger.values import KINDS, OUTCOMES, PARTS
from funasr_fleet.contract.layout import check_job_name

KEYS_OF_JOB = (
    *(*OUTCOMES, *PARTS),
    *(name for kind in KINDS for name in (f"kind:{kind}", f"examples:{kind}")),
    *(name for kind in WARNINGS for name in (f"warning:{kind}", f"warning_examples:{kind}")),
)
"""Suffixes of the keys of a job; its key without a suffix is its hash."""


class Keys:
    """The ledger's keys, with FLEET_KEY_PREFIX."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.jobs = f"{prefix}fleet:jobs"
        """Sorted set: job names, scored by creation time."""
        self.undeclared = f"{self.jobs}:undeclared"
        """Sorted set: names of jobs of other clients without a declared number of files, scored by
        the start of their first shard."""
        self.workers = f"{prefix}fleet:workers"
        """Hash: the last report of each worker child."""

    def job(self, job: str, *parts: str) -> str:
        """The key of the job's hash, or of one of its parts.

        Raises:
            BadJobName: the name is not valid; it could collide with another job's keys.
        """
        return ":".join((f"{self._prefix}fleet:job:{check_job_name(job)}", *parts))

    def all_of(self, job: str) -> list[str]:
        """Every key of a job."""
        return [self.job(job), *(self.job(job, name) for name in KEYS_OF_JOB)]


def identity_of(output: str, shard: str) -> str:
    """A shard's identity: its output prefix and its name, which is unique only below the prefix."""
    return f"{output}\0{shard}"


def shown(identity: str) -> str:
    """A shard's identity as text for log lines."""
    output, _, shard = identity.partition("\0")
    return f"{shard} of {output}"


def claim_key(prefix: str, identity: str) -> str:
    """The key of the shard lock, which is held by the process that works on the shard."""
    return f"{prefix}fleet:claim:{identity}"


def attempts_key(prefix: str, identity: str) -> str:
    """The key of the hash that counts the attempts of a shard with this identity."""
    return f"{prefix}fleet:attempts:{identity}"
