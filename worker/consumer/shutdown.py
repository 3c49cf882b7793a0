"""Consumer step: drain the worker on SIGTERM.

The worker stops consuming. Children finish their files in progress within FLEET_DRAIN_S and start
no further file; unfinished shards are then requeued. A second signal requeues them at once. The
event loop keeps running meanwhile, to receive results and renew leases.
"""

import contextlib
import logging
import os
import signal
from typing import Any

import psutil
from celery.worker import state as celery_state
from celery.worker.state import task_ready

from funasr_fleet.broker.ledger.keys import shown
from funasr_fleet.worker.consumer.parent_context import ActiveShard
from funasr_fleet.worker.consumer.periodic_step import PeriodicStep
from funasr_fleet.worker.process.os_process import kill

log = logging.getLogger(__name__)

_FORCED_EXIT_S = 5
"""Seconds from a second signal to an unconditional exit: requeueing may hang without a broker."""


class Drain(PeriodicStep):
    """Drains the worker from the first signal to its exit."""

    every_s = 0.2
    _consuming = False

    def __init__(self, consumer: Any, **options: object) -> None:
        super().__init__(consumer, **options)
        self._signals = 0

    def start(self, consumer: Any) -> None:
        """Install the signal handlers in place of Celery's, which would wait without a limit."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGALRM, self._exit_now)
        self._consuming = True
        super().start(consumer)

    def stop(self, consumer: Any) -> None:
        """Stop: the broker connection is lost, or the worker shuts down."""
        self._consuming = False
        super().stop(consumer)
        context = self.parent_context
        if context.drain_deadline_s is not None and celery_state.should_terminate is None:
            celery_state.should_stop = context.exit_code  # instead of a useless reconnection

    def _on_signal(self, number: int, _: object) -> None:
        context = self.parent_context
        self._signals += 1
        if self._signals > 1:
            context.drain_deadline_s = context.clock()
            signal.alarm(_FORCED_EXIT_S)
            return
        log.warning(
            "received %s: draining; no new shards will be started", signal.Signals(number).name
        )
        context.drain()
        if not self._consuming:
            celery_state.should_stop = context.exit_code

    def _exit_now(self, *_: object) -> None:
        log.critical(
            "shutdown timed out; unfinished shards will be redelivered after the visibility timeout"
        )
        for child in psutil.Process().children():
            child.kill()
        os._exit(self.parent_context.exit_code)

    def tick(self, consumer: Any) -> None:
        """While draining, exit once all children are done or the deadline is reached."""
        context = self.parent_context
        deadline_s = context.drain_deadline_s
        ending = (celery_state.should_stop, celery_state.should_terminate)
        if deadline_s is None or ending != (None, None):
            return
        consumer.task_consumer.cancel()
        active = list(context.active_shards())
        if context.clock() >= deadline_s:
            for one in active:
                self._requeue(one)
        elif active or self._is_about_to_start():
            return
        if context.exit_code:
            celery_state.should_stop = context.exit_code  # should_terminate would lose the code
        else:
            celery_state.should_terminate = os.EX_OK  # idle children have nothing to finish

    def _is_about_to_start(self) -> bool:
        """Whether a child is about to receive a reserved message, which it will then requeue."""
        ready = any(state.state == "ready" for state in self.parent_context.states())
        return ready and bool(celery_state.reserved_requests)

    def _requeue(self, one: ActiveShard) -> None:
        what = f"shard {shown(one.identity)}" if one.identity else "an invalid message"
        log.warning("requeueing %s (drain deadline reached)", what)
        one.request.requeued_by_parent = True
        kill(one.pid)
        self.parent_context.discard_attempt(one)
        with contextlib.suppress(*one.request.connection_errors):  # redelivered after its lease
            message = one.request.message
            message.channel.qos.requeue_at_head(message.delivery_tag)
            one.request.acknowledged = True
        task_ready(one.request)
