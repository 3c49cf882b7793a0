"""What `celery -A worker.app` names: wires settings, task, child and parent together.

The parent imports this too, so nothing here may import torch, numpy or boto3.
"""

import logging
import os
import subprocess
import sys
from typing import Any

from celery.signals import setup_logging, worker_init, worker_process_init, worker_ready

from contract.broker import make_app
from contract.settings import Settings
from worker.boot import count_children
from worker.lifecycle import Child, leave_process, start_child
from worker.orphans import end_with_parent
from worker.parent.child_watch import ChildWatch
from worker.parent.drain import Drain
from worker.parent.envelopes import take_any_envelope
from worker.parent.in_hand import Parent
from worker.parent.leases import Leases
from worker.parent.presence import Presence
from worker.parent.refusing import RefusingConsumer
from worker.parent.requests import ShardRequest
from worker.parent.returning import keep_books_so
from worker.parent.stall_watch import StallWatch
from worker.recycling import look_at_present_memory
from worker.slots import SlotFiles
from worker.tasks import register_task
from worker.telemetry.logs import configure_logging
from worker.telemetry.metrics import forget_counts
from worker.telemetry.observers import observers_of_parent

log = logging.getLogger(__name__)

settings = Settings.load()
app = make_app(settings)
_parent_pid = os.getpid()
_child: Child | None = None


def _current_child() -> Child:
    if _child is None:  # returning would acknowledge a message that nobody worked on
        log.critical("this process has no model; tasks run in children of `fleet worker`")
        leave_process()
    return _child


@setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def _log_in_our_way(**_: Any) -> None:
    configure_logging(settings.log_format)


@worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _prepare_parent(**_: Any) -> None:
    SlotFiles(settings.run_dir).start(count_children(settings))
    forget_counts(settings.run_dir)
    RefusingConsumer.observe = staticmethod(observers_of_parent(settings.run_dir))
    if settings.metrics_port:
        numbers = (str(settings.metrics_port), str(os.getpid()))
        server = ("-m", "worker.telemetry.server", str(settings.run_dir), *numbers)
        subprocess.Popen([sys.executable, *server])  # noqa: S603 - it ends when we do


@worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _prepare_child(**_: Any) -> None:
    global _child  # noqa: PLW0603 - Celery offers tasks no other way to what the hook made
    end_with_parent(_parent_pid)
    look_at_present_memory()
    _child = start_child(settings)


@worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
def _say_so(**_: Any) -> None:
    log.info("consuming queue %r; children say when their model is ready", settings.queue)


take_any_envelope()
RefusingConsumer.settings = settings
app.conf.worker_consumer = RefusingConsumer
_side = Parent(settings, SlotFiles(settings.run_dir))
ShardRequest.side = _side
keep_books_so(_side.unready)
for step in (ChildWatch, Leases, StallWatch, Presence, Drain):
    step.side = _side
    app.steps["consumer"].add(step)
register_task(app, settings, _current_child)
