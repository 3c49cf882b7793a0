"""A job's fast memory in Redis: what is planned, done, failed, cancelled. The truth stays in S3.

One bitmap per outcome, set by file index: a file delivered twice is counted once, and ten million
files take a few megabytes. All of it can be lost, and rebuilt from S3.

connection.py  a client, and its errors in our words
keys.py        names of the keys
values.py      what the ledger says, as frozen values
scripts.py     the changes that must happen at once, in Lua
answers.py     PURE: what Redis answers -> values
reading.py     Ledger: how far jobs have come; everybody reads it
recording.py   Recorder: what workers write
planning.py    Planner: what producers write
"""

from contract.ledger.connection import connect, reached
from contract.ledger.planning import Planner
from contract.ledger.reading import Ledger
from contract.ledger.recording import Recorder
from contract.ledger.values import OUTCOMES, JobCounts

__all__ = ["OUTCOMES", "JobCounts", "Ledger", "Planner", "Recorder", "connect", "reached"]
