"""Base class of the consumer's steps, which run periodically."""

from typing import Any, ClassVar

from celery import bootsteps

from funasr_fleet.worker.consumer.parent_context import ParentContext


class PeriodicStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Calls tick() every every_s seconds while the consumer runs.

    Celery starts it after each connection to the broker and stops it when the connection is lost.
    Timers must live in a consumer step: those of the worker do not survive a lost connection.
    """

    requires: ClassVar[tuple[object, ...]] = ("celery.worker.consumer.tasks:Tasks",)
    parent_context: ClassVar[ParentContext]

    def __init__(self, consumer: Any, **_: object) -> None:
        self._timer: Any = None

    @property
    def every_s(self) -> float:
        """Seconds between two ticks."""
        raise NotImplementedError

    def tick(self, consumer: Any) -> None:
        """Do the step's work once; `consumer` is Celery's."""
        raise NotImplementedError

    def start(self, consumer: Any) -> None:
        """Start the timer."""
        self._timer = consumer.timer.call_repeatedly(self.every_s, self.tick, (consumer,))

    def stop(self, consumer: Any) -> None:
        """Stop the timer: the broker connection is lost, or the worker shuts down."""
        if self._timer:
            self._timer.cancel()
