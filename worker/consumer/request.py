"""Celery's request class, extended for messages whose child crashed or was killed on purpose."""

import logging
from collections.abc import Callable
from typing import Any, ClassVar

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request
from celery.worker.state import task_ready

from funasr_fleet.worker.consumer.parent_context import ParentContext

log = logging.getLogger(__name__)


class ShardRequest(Request):  # type: ignore[misc]
    """One message that is sent to a child."""

    parent_context: ClassVar[ParentContext]
    reject_to_dead_letters: ClassVar[Callable[[Any, str], None]]
    """Writes a dead letter with this reason and acknowledges the message."""
    requeued_by_parent = False
    """Whether the parent has killed the child and requeued the message."""

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> None:
        """Handle a child that crashed or requeued the message.

        Celery rejects the message, so that it is redelivered. After too many crashes it goes to the
        dead letters instead.
        """
        if self.requeued_by_parent:
            task_ready(self)
            return
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, WorkerLostError | SystemExit):
            how = _describe_exit(error)
            if crashes := self._count_crash(how):
                task_ready(self)
                ShardRequest.reject_to_dead_letters(
                    self, f"crashed its worker {crashes} times; last crash: {how}"
                )
                return
        super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def _count_crash(self, how: str) -> int:
        """Count the crash; return the count once it exceeds the limit, else 0. Never raises.

        billiard only logs an exception raised here, and the message would stay reserved.
        """
        try:
            self.parent_context.record_crash(self, how)
            return self.parent_context.crashed_too_often(self)
        except Exception:
            log.exception("cannot count the crash of message %s", self.id)
            return 0


def _describe_exit(error: BaseException) -> str:
    """Extract 'signal 9 (SIGKILL)' from billiard's message, which ends with a job number."""
    message = str(error).removeprefix("Worker exited prematurely: ")
    return message.partition(" Job: ")[0].rstrip(". ") or type(error).__name__
