"""Turns a backlog of recordings in S3 into transcripts with FunASR on a fleet of GPUs.

    from funasr_fleet import enqueue, status

    result = enqueue(["s3://calls/2026/"], output="s3://transcripts/2026/")
    print(status(result.job))

The public names are imported on first use, and none of them imports torch.

Packages, each a folder of the repository:

producer/    backlog -> queue: discover, plan, publish; status, retry, cancel, reconcile, report
worker/      queue -> transcripts, one process per GPU
contract/    PURE: the message, the result documents, names of keys and queues
storage/     the object store: protocol, S3
broker/      Celery configuration, ledger, dead letters, worker registry, closing of jobs
exporter/    metrics of backlog and jobs for Prometheus
doctor/      checks of everything that a fleet needs
cli/         the `fleet` command
embedded/    the development stack: Valkey, S3 and one worker on this machine
demo_model/  weights of the embedded model

Modules:

settings     all settings: read once, frozen, printed redacted
metric       the declaration of a metric
http_server  a small HTTP server for /metrics, /healthz and /readyz
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funasr_fleet.producer.api import enqueue
    from funasr_fleet.producer.dead_letters.requeue import RequeueResult, requeue_dead
    from funasr_fleet.producer.dead_letters.select import DeadList, DropResult, drop_dead, list_dead
    from funasr_fleet.producer.evaluation.evaluating import evaluate
    from funasr_fleet.producer.evaluation.result import Evaluation
    from funasr_fleet.producer.jobs.cancel import cancel
    from funasr_fleet.producer.jobs.close import close
    from funasr_fleet.producer.jobs.file_warnings import file_warnings
    from funasr_fleet.producer.jobs.rebuild import ReconcileResult
    from funasr_fleet.producer.jobs.reconcile import reconcile
    from funasr_fleet.producer.jobs.retry import RetryResult, retry
    from funasr_fleet.producer.jobs.status import JobStatus, failures, list_jobs, report, status
    from funasr_fleet.producer.result import EnqueueResult
    from funasr_fleet.producer.single_file import Transcription, transcribe

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
    "close",
    "drop_dead",
    "enqueue",
    "evaluate",
    "failures",
    "file_warnings",
    "list_dead",
    "list_jobs",
    "reconcile",
    "report",
    "requeue_dead",
    "retry",
    "status",
    "transcribe",
]

_MODULES = {
    "api": ("enqueue",),
    "dead_letters.requeue": ("RequeueResult", "requeue_dead"),
    "dead_letters.select": ("DeadList", "DropResult", "drop_dead", "list_dead"),
    "evaluation.evaluating": ("evaluate",),
    "evaluation.result": ("Evaluation",),
    "jobs.cancel": ("cancel",),
    "jobs.close": ("close",),
    "jobs.file_warnings": ("file_warnings",),
    "jobs.rebuild": ("ReconcileResult",),
    "jobs.reconcile": ("reconcile",),
    "jobs.retry": ("RetryResult", "retry"),
    "jobs.status": ("JobStatus", "failures", "list_jobs", "report", "status"),
    "result": ("EnqueueResult",),
    "single_file": ("Transcription", "transcribe"),
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"funasr_fleet.producer.{module}"), name)
    raise AttributeError(f"module 'funasr_fleet' has no attribute {name!r}")
