"""A job's state in Redis: planned, done, failed, cancelled files. S3 stays the source of truth.

One bitmap per outcome, indexed by file: a file that is delivered twice is counted once, and ten
million files take a few megabytes. A lost ledger can be rebuilt from S3.

keys            names of the keys of jobs and shards
values          PURE: the frozen values that the reader returns, made from Redis replies
stored_fields   PURE: checks of the fields of a job, which other clients may have changed
worker_seen     PURE: the last report of a worker child
bitmaps         PURE: reads bitmaps with one bit per file
file_warnings   PURE: warnings of files: their kinds, counts and examples
latency         PURE: buckets of the time from the start of a file to its commit
shared_lua      Lua functions that the scripts share
outcome_scripts the atomic updates of workers, in Lua
job_scripts     the atomic updates of producers, in Lua
reader          LedgerReader: progress of jobs
outcome_writer  OutcomeWriter: the updates of workers
job_writer      JobWriter: the updates of producers
"""

from funasr_fleet.broker.ledger.job_writer import JobWriter
from funasr_fleet.broker.ledger.outcome_writer import OutcomeWriter
from funasr_fleet.broker.ledger.reader import LedgerReader
from funasr_fleet.broker.ledger.values import OUTCOMES, JobCounts
from funasr_fleet.broker.redis_client import connect, reached

__all__ = [
    "OUTCOMES",
    "JobCounts",
    "JobWriter",
    "LedgerReader",
    "OutcomeWriter",
    "connect",
    "reached",
]
