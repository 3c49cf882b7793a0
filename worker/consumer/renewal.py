"""Consumer steps that renew what expires in Redis: leases, shard locks, the worker's registration.

kombu redelivers a message to another worker once the visibility timeout has passed since its
delivery. So that the timeout can be minutes although files take hours, LeaseRenewal resets the
delivery time periodically. A lease expires when its child hangs or this worker has died.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery.worker import state as celery_state

from funasr_fleet.broker.worker_registry import SEEN_WITHIN_S
from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.worker.consumer.periodic_step import PeriodicStep
from funasr_fleet.worker.process.slot_state import SlotState

log = logging.getLogger(__name__)

RENEWALS_PER_TIMEOUT = 6
"""Five renewals may fail before a lease or the registration expires."""

_MAX_INTERVAL_S = 5.0
"""An orphaned message keeps a child idle for up to two intervals."""


class LeaseRenewal(PeriodicStep):
    """Renews leases and shard locks, and requeues orphaned messages."""

    def __init__(self, consumer: Any, **options: object) -> None:
        super().__init__(consumer, **options)
        self._orphaned_tags: set[str] = set()
        """Tags without a request at the last tick; their ack may still be in progress."""

    @property
    def every_s(self) -> float:
        """Seconds between two renewals: several per visibility timeout."""
        timeout_s = self.parent_context.settings.visibility_timeout_s
        return min(_MAX_INTERVAL_S, timeout_s / RENEWALS_PER_TIMEOUT)

    def start(self, consumer: Any) -> None:
        """Renew at once, before kombu looks for leases that expired during a broker outage."""
        self.parent_context.connected_since_s = self.parent_context.clock()
        super().start(consumer)
        self.tick(consumer)

    def tick(self, consumer: Any) -> None:
        """Reset the delivery time of every message that is reserved or in progress here."""
        context = self.parent_context
        context.renew_locks()
        if consumer.task_consumer is None:
            return
        qos = consumer.task_consumer.channel.qos
        active = list(context.active_shards())
        known = {request.message.delivery_tag for request in _in_flight()}
        # qos._delivered also has acked tags; kombu lists them in _dirty and removes them much later
        self._requeue_orphaned(qos, set(qos._delivered) - qos._dirty - known)
        hung = [one.request for one in active if context.stall_reason(one.progress)]
        stalled = {request.message.delivery_tag for request in hung}
        stalled |= context.unstarted.longer_than(context.time_limits.stall_s)
        if renewed := known - stalled:
            now = time.time()  # as kombu does: the workers' clocks must agree within seconds
            with qos.channel.conn_or_acquire() as client:
                client.zadd(qos.unacked_index_key, dict.fromkeys(renewed, now), xx=True)

    def _requeue_orphaned(self, qos: Any, orphaned: set[str]) -> None:
        """Requeue messages that could not be acked or requeued during a broker outage.

        They would stay unacked forever, and count towards this worker's prefetch limit.
        """
        for tag in orphaned & self._orphaned_tags:
            log.warning("requeued message %s orphaned by a broker reconnect", tag)
            qos.requeue_at_head(tag)
        self._orphaned_tags = orphaned


def _in_flight() -> list[Any]:
    """Return all requests. Celery's dict has only the last one per ID; its sets have all."""
    states = (
        celery_state.scheduled_requests,
        celery_state.reserved_requests,
        celery_state.active_requests,
    )
    return [*celery_state.requests.values(), *(one for state in states for one in tuple(state))]


class Registration(PeriodicStep):
    """Renews the registration of this worker's queue and model; each child registers at start.

    Producers use it to route a job to the queue of its model, and to warn when no worker serves it.
    """

    every_s = SEEN_WITHIN_S / RENEWALS_PER_TIMEOUT
    now: Callable[[], float] = staticmethod(time.time)

    def start(self, consumer: Any) -> None:
        """Register at once, because the broker may have been down for long, then periodically."""
        super().start(consumer)
        self.tick(consumer)

    def tick(self, consumer: Any = None) -> None:
        """Renew the registration, if a child is ready and the worker is not draining."""
        ready = [state for state in self.parent_context.states() if state.state == "ready"]
        if not ready or self.parent_context.drain_deadline_s is not None:
            return
        settings, fleet = self.parent_context.settings, self.parent_context.fleet
        try:
            self._restore_model(ready[0])
            fleet.heartbeat(settings.queue, settings.model, self.now())
        except BrokerUnavailable as error:  # Celery would close the connection because of it
            log.warning("worker registration in Redis failed: %s", error)

    def _restore_model(self, child: SlotState) -> None:
        """Register the loaded models again if Redis has lost them; raises BrokerUnavailable.

        Otherwise producers would accept results of other models, and options that are unsupported.
        """
        settings, abilities = self.parent_context.settings, child.abilities
        if child.model_revision and abilities:
            self.parent_context.fleet.register_model(
                settings.model,
                child.model_revision,
                Abilities.model_validate_json(abilities),
                settings.queue,
                only_missing=True,
            )
