"""Celery's request, but for what becomes of a message whose child died or gave it back."""

import logging
from collections.abc import Callable
from typing import Any, ClassVar

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request
from celery.worker.state import task_ready

from worker.parent.in_hand import Parent

log = logging.getLogger(__name__)


class ShardRequest(Request):  # type: ignore[misc]
    """One message on its way through a child."""

    side: ClassVar[Parent]
    refuse: ClassVar[Callable[[Any, str], None]]
    """Writes a dead letter and acknowledges the message."""
    taken_back = False
    """Whether the parent has taken the message from its child."""

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> None:
        """The child died, or gave the message back: Celery rejects it, and it is taken anew."""
        if self.taken_back:
            task_ready(self)
            return
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, WorkerLostError | SystemExit):
            how = _in_short(error)
            if crashes := self._count_crash(how):
                task_ready(self)
                ShardRequest.refuse(
                    self, f"it crashed its worker {crashes} times; the last time: {how}"
                )
                return
        super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def _count_crash(self, how: str) -> int:
        """How many crashes there were, once they are too many; whatever fails, the message returns.

        billiard only logs what is raised here, and the message would stay with this worker.
        """
        try:
            self.side.note_death(self, how)
            return self.side.crashed_too_often(self)
        except Exception:
            log.exception("cannot count the crash of message %s", self.id)
            return 0


def _in_short(error: BaseException) -> str:
    """'signal 9 (SIGKILL)' out of billiard's sentence, which ends with a number of its own."""
    said = str(error).removeprefix("Worker exited prematurely: ")
    return said.partition(" Job: ")[0].rstrip(". ") or type(error).__name__
