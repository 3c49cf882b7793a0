"""Consumer step: register this worker's queue and model in Redis for producers.

Producers use it to route a job to the queue of its model, and to warn when no worker serves it. A
worker that is shutting down, or that has no ready child, does not register.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from funasr_fleet.broker.worker_registry import SEEN_WITHIN_S
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.worker.consumer.periodic_step import PeriodicStep

log = logging.getLogger(__name__)

_RENEWALS_PER_EXPIRY = 6
"""Five renewals may fail before producers consider this worker offline."""


class Registration(PeriodicStep):
    """Renews the registration; a child that becomes ready registers as well."""

    every_s = SEEN_WITHIN_S / _RENEWALS_PER_EXPIRY
    now: Callable[[], float] = staticmethod(time.time)

    def start(self, consumer: Any) -> None:
        """Register at once, as the broker may have been away for long, and then periodically."""
        super().start(consumer)
        self.tick(consumer)

    def tick(self, consumer: Any = None) -> None:
        """Renew the registration, if a child is ready and the worker is not draining."""
        ready = any(state.state == "ready" for state in self.parent_context.states())
        if not ready or self.parent_context.drain_deadline_s is not None:
            return
        settings = self.parent_context.settings
        try:
            self.parent_context.fleet.heartbeat(settings.queue, settings.model, self.now())
        except BrokerUnavailable as error:  # Celery would close the connection because of it
            log.warning("worker registration in Redis failed: %s", error)
