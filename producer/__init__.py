"""Backlog -> queue: what a person or a script does with recordings to be transcribed.

    from producer import enqueue, status

    result = enqueue(["s3://calls/2026/"], output="s3://transcripts/2026/")
    print(status(result.job))

sources/     where a backlog comes from: an S3 prefix, a manifest, a local folder
naming.py    PURE: no two files written to one place
packing.py   PURE: references -> shards
skipping.py  what already has its result
publish.py   shards -> messages
enqueue.py   gather, decide, apply: the whole of it
jobs.py      how far a job has come
"""

from producer.enqueue import EnqueueResult, enqueue
from producer.jobs import JobStatus, list_jobs, status

__all__ = ["EnqueueResult", "JobStatus", "enqueue", "list_jobs", "status"]
