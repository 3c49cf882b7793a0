"""What the consumer's steps have in common: they look at something again and again."""

from typing import Any, ClassVar

from celery import bootsteps

from worker.parent.in_hand import Parent


class Watching(bootsteps.StartStopStep):  # type: ignore[misc]
    """Looks while the consumer runs, anew after each reconnection to the broker.

    Timers must live in a consumer step: those of the worker do not outlast a lost connection.
    """

    requires: ClassVar[tuple[Any, ...]] = ("celery.worker.consumer.tasks:Tasks",)
    side: ClassVar[Parent]

    def __init__(self, parent: Any, **_: Any) -> None:
        self._timer: Any = None

    @property
    def every_s(self) -> float:
        """How often to look."""
        raise NotImplementedError

    def look(self, parent: Any) -> None:
        """Look; `parent` is Celery's consumer."""
        raise NotImplementedError

    def start(self, parent: Any) -> None:
        """Begin to look."""
        self._timer = parent.timer.call_repeatedly(self.every_s, self.look, (parent,))

    def stop(self, parent: Any) -> None:
        """The broker is away, or the worker ends."""
        if self._timer:
            self._timer.cancel()
