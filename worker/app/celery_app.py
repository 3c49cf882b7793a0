"""The Celery application of a worker: connects settings, task, child and parent.

The parent imports this module too, so it must not import torch, numpy or boto3.
"""

import logging
import os
import subprocess
import sys

from celery.signals import setup_logging, worker_init, worker_process_init, worker_ready

from funasr_fleet.broker.app import make_app
from funasr_fleet.settings import Settings
from funasr_fleet.worker.app.child_process import WorkerContext, leave_process, start_child
from funasr_fleet.worker.app.launch import count_children
from funasr_fleet.worker.app.task import register_task
from funasr_fleet.worker.consumer import celery_patches
from funasr_fleet.worker.consumer.message_validation import ValidatingConsumer
from funasr_fleet.worker.consumer.parent_context import ParentContext
from funasr_fleet.worker.consumer.renewal import LeaseRenewal, Registration
from funasr_fleet.worker.consumer.request import ShardRequest
from funasr_fleet.worker.consumer.shutdown import Drain
from funasr_fleet.worker.consumer.watchdog import ChildWatch, StallWatch
from funasr_fleet.worker.process.os_process import kill_on_parent_death
from funasr_fleet.worker.process.slot_state import SlotFiles
from funasr_fleet.worker.telemetry.logs import configure_logging
from funasr_fleet.worker.telemetry.metrics import forget_counts
from funasr_fleet.worker.telemetry.observers import observers

log = logging.getLogger(__name__)

settings = Settings.load()
app = make_app(settings)
_parent_pid = os.getpid()
_child: WorkerContext | None = None


def _current_child() -> WorkerContext:
    if _child is None:  # returning would acknowledge a message that was not processed
        log.critical(
            "no model is loaded in this process, exiting; start workers with `fleet worker`"
        )
        leave_process()
    return _child


@setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def _configure_logging(**_: object) -> None:
    configure_logging(settings.log_format)


@worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _prepare_parent(**_: object) -> None:
    SlotFiles(settings.run_dir).start(count_children(settings))
    forget_counts(settings.run_dir)
    ValidatingConsumer.observe = staticmethod(observers(settings.run_dir))
    if settings.metrics_port:
        numbers = (str(settings.metrics_port), str(os.getpid()))
        server = ("-m", "funasr_fleet.worker.telemetry.server", str(settings.run_dir), *numbers)
        subprocess.Popen([sys.executable, *server])  # noqa: S603 - it exits with this process


@worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _prepare_child(**_: object) -> None:
    global _child  # noqa: PLW0603 - Celery has no other way to pass the hook's result to tasks
    kill_on_parent_death(_parent_pid)
    _child = start_child(settings)


@worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
def _log_ready(**_: object) -> None:
    log.info("consuming queue %r; waiting for models to load", settings.queue)


ValidatingConsumer.settings = settings
app.conf.worker_consumer = ValidatingConsumer
_parent_context = ParentContext(settings, SlotFiles(settings.run_dir))
ShardRequest.parent_context = _parent_context
celery_patches.install(_parent_context.unready)
for step in (ChildWatch, LeaseRenewal, StallWatch, Registration, Drain):
    step.parent_context = _parent_context
    app.steps["consumer"].add(step)
register_task(app, settings, _current_child)
