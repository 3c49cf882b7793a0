"""Backlog -> queue: what a person or a script does with recordings to be transcribed.

    from producer import enqueue, status

    result = enqueue(["s3://calls/2026/"], output="s3://transcripts/2026/")
    print(status(result.job))

sources/       where a backlog comes from: an S3 prefix, a manifest, a local folder
planning/      references -> windows, kept in S3 -> shards
done/          what has its result already
publishing/    shards -> messages, no more than may wait
wanted.py      enqueue: the call, and what may be asked for
enqueuing.py   what it does: open the job or go on with it, plan, publish, close
garbage.py     the garbage collector, called seldom
refusals.py    why it does not do what it was asked for
directing.py   where a job goes, by the workers that are there
model_choice.py  PURE: which queue and which model, what to warn of, what to refuse
claim.py       one producer per job
bad_rows.py    what is no reference, kept beside the plan
result.py      what becomes of a backlog while it is enqueued
jobs.py        status, list, failures, report: how far jobs have come
progress/      PURE: what the ledger's counts mean to people
report_page/   PURE: a job's report as one page of HTML
evaluation/    word and character errors of a job's outputs against reference texts
cancelling.py  nobody begins another file
retrying.py    failed files again
reconciling.py the ledger brought to what S3 says, and what is missing enqueued
rebuilding.py  what S3 says of each file of a job
dry_run/       what a backlog would take, before it is published
dead.py        dead letters: which there are, and dropping them
requeuing.py   they are published again
reopening.py   and their jobs go on
one_file.py    one file through the queue: send, wait, tidy up
errand.py      where the things of one file lie
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from producer.cancelling import cancel
    from producer.dead import DeadList, DropResult, drop_dead, list_dead
    from producer.evaluation.evaluating import evaluate
    from producer.evaluation.result import Evaluation
    from producer.jobs import JobStatus, failures, list_jobs, report, status
    from producer.one_file import Transcription, transcribe
    from producer.rebuilding import ReconcileResult
    from producer.reconciling import reconcile
    from producer.requeuing import RequeueResult, requeue_dead
    from producer.result import EnqueueResult
    from producer.retrying import RetryResult, retry
    from producer.wanted import enqueue

__all__ = [
    "DeadList",
    "DropResult",
    "EnqueueResult",
    "Evaluation",
    "JobStatus",
    "ReconcileResult",
    "RequeueResult",
    "RetryResult",
    "Transcription",
    "cancel",
    "drop_dead",
    "enqueue",
    "evaluate",
    "failures",
    "list_dead",
    "list_jobs",
    "reconcile",
    "report",
    "requeue_dead",
    "retry",
    "status",
    "transcribe",
]

_ROOMS = {
    "cancelling": ("cancel",),
    "dead": ("DeadList", "DropResult", "drop_dead", "list_dead"),
    "evaluation.evaluating": ("evaluate",),
    "evaluation.result": ("Evaluation",),
    "jobs": ("JobStatus", "failures", "list_jobs", "report", "status"),
    "one_file": ("Transcription", "transcribe"),
    "rebuilding": ("ReconcileResult",),
    "reconciling": ("reconcile",),
    "requeuing": ("RequeueResult", "requeue_dead"),
    "result": ("EnqueueResult",),
    "retrying": ("RetryResult", "retry"),
    "wanted": ("enqueue",),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: looking at a job must not cost what publishing one does."""
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(importlib.import_module(f"producer.{room}"), name)
    raise AttributeError(f"module 'producer' has no attribute {name!r}")
