"""PURE: messages that this worker has reserved and that no idle child starts.

Celery sends a reserved message to an idle child at once. When that fails, the message, its lease
and one slot of the pool are held for ever, and nothing else shows it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(eq=False)
class UnstartedMessages:
    """How long each reserved message has waited beside an idle child, in all.

    The time is kept while no child is idle: a child that is replaced must not hide the message.
    Time is counted by looks and not by a clock: a consumer that was held up, or a machine that was
    suspended, gave no child the chance to start anything.
    """

    _waited_s: dict[str, float] = field(default_factory=dict)

    def look(self, waiting: Iterable[str], idle: int, since_last_s: float) -> None:
        """Count one look.

        Args:
            waiting: delivery tags of messages that are reserved and not started.
            idle: children that are ready and have no message.
            since_last_s: usual time between two looks.
        """
        before = self._waited_s
        self._waited_s = (
            {tag: before[tag] + since_last_s if tag in before else 0.0 for tag in waiting}
            if idle > 0
            else {tag: before[tag] for tag in waiting if tag in before}
        )

    def forget(self) -> None:
        """Start anew: the connection to the broker, and with it every tag, is another one."""
        self._waited_s = {}

    @property
    def longest_s(self) -> float:
        """The longest wait; 0 when no message has waited beside an idle child."""
        return max(self._waited_s.values(), default=0.0)

    def longer_than(self, limit_s: float) -> set[str]:
        """Delivery tags of the messages that have waited longer than this."""
        return {tag for tag, waited_s in self._waited_s.items() if waited_s > limit_s}
