"""Catch workers in the middle of a shard."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.chaos.fleet import Member
from tests.chaos.jobs import Job
from tests.chaos.waiting import until

SHARD_FILES = 4
_DEADLINE_S = 90.0


@dataclass(frozen=True)
class Caught:
    """A worker with work in its hands."""

    member: Member
    others: list[Member]
    shard: str
    files: frozenset[str]
    """Of the shard."""


def names(shards: int, shard_files: int = SHARD_FILES) -> list[str]:
    """Of files of one length, such that a file's name tells its shard."""
    return [f"{shard}-{file}" for shard in range(shards) for file in range(shard_files)]


def files_of(shard: str, shard_files: int = SHARD_FILES) -> frozenset[str]:
    """Of a shard as it was published: files of one length are packed in their order."""
    return frozenset(f"{int(shard[-4:])}-{file}" for file in range(shard_files))


def catch(job: Job, members: Iterable[Member]) -> Caught:
    """A worker that has begun a shard, and finished nothing of it."""
    every = list(members)

    def look() -> Caught | None:
        for one in every:
            shard = one.in_hand(job.name)
            if shard and not job.results() & files_of(shard):
                return Caught(one, [o for o in every if o is not one], shard, files_of(shard))
        return None

    return until(look, _DEADLINE_S, "a worker in the middle of a shard", job.describe)


def wait_until_done(job: Job, files: frozenset[str], deadline_s: float) -> None:
    """These have their results."""
    what = f"results of {sorted(files)}"
    until(lambda: files <= job.results(), deadline_s, what, job.describe)
