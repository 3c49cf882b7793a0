"""PURE: reserved messages that no idle child starts.

Celery sends a reserved message to an idle child at once. When that fails, the message, its lease
and one slot of the pool are held forever, and nothing else reports it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(eq=False)
class UnstartedMessages:
    """How long in total each reserved message has waited while a child was idle.

    The time is kept while no child is idle, so that replacing a child does not hide the message.
    It is counted in updates, not by a clock: while the consumer was blocked, or the machine was
    suspended, no child could have started a message.
    """

    _waited_s: dict[str, float] = field(default_factory=dict)

    def update(self, waiting: Iterable[str], idle: int, interval_s: float) -> None:
        """Count one interval.

        Args:
            waiting: delivery tags of messages that are reserved and not started.
            idle: number of children that are ready and have no message.
            interval_s: nominal time between two updates.
        """
        before = self._waited_s
        self._waited_s = (
            {tag: before[tag] + interval_s if tag in before else 0.0 for tag in waiting}
            if idle > 0
            else {tag: before[tag] for tag in waiting if tag in before}
        )

    def clear(self) -> None:
        """Forget all messages: after a reconnection to the broker, delivery tags are different."""
        self._waited_s = {}

    @property
    def longest_s(self) -> float:
        """The longest wait; 0 when no message has waited while a child was idle."""
        return max(self._waited_s.values(), default=0.0)

    def longer_than(self, limit_s: float) -> set[str]:
        """Return the delivery tags of messages that have waited longer than the limit."""
        return {tag for tag, waited_s in self._waited_s.items() if waited_s > limit_s}
