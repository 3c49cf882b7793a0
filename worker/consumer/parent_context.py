"""The parent's view of the shards in progress; updates their locks and attempts in Redis.

The parent holds the messages and sees its children exit. Therefore it renews shard locks, records
how a child crashed, and discards the attempts of children that it kills to shut down.
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from celery.worker import state as celery_state

from funasr_fleet.broker.ledger.keys import identity_of
from funasr_fleet.broker.redis_client import RedisClient, connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.layout import is_whole
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.unstarted import UnstartedMessages
from funasr_fleet.worker.coordination.attempts import Attempts
from funasr_fleet.worker.coordination.shard_lock import ShardLock, lock_owner
from funasr_fleet.worker.process.heartbeat import Progress, TimeLimits, read_progress, stall_reason
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotState

log = logging.getLogger(__name__)

_UNREADY_MAX_AGE_S = 0.5

_REGISTRATION_TIMEOUT_S = 3.0
"""Registration is not essential, so a hanging Redis must not block this process for longer."""

_MAX_IDENTITY_CHARS = 1600
"""Above the limits of the contract: a malformed message must not name a longer key in Redis."""

GRACE_S = 15
"""Seconds after the drain deadline until this process exits unconditionally."""


@dataclass(frozen=True, kw_only=True)
class ActiveShard:
    """A message that a child is processing."""

    request: Any
    """Celery's request."""
    identity: str | None
    """Identity of the shard; None when the message is not a valid shard."""
    pid: int
    slot: SlotState | None
    """None when the child has been replaced."""
    progress: Progress | None

    @property
    def attempt_id(self) -> str:
        """The attempt for which the child holds the shard's lock; empty if there is none."""
        return self.progress.attempt_id if self.progress else ""


@dataclass(eq=False)
class ParentContext:
    """State that the consumer's steps share in the parent."""

    settings: Settings
    slots: SlotFiles
    clock: Callable[[], float] = time.monotonic
    connected_since_s: float = field(default=0.0, init=False)
    """When the consumer last connected to the broker."""
    drain_deadline_s: float | None = field(default=None, init=False)
    """When unfinished shards are requeued; None while the worker is not draining."""
    unstarted: UnstartedMessages = field(default_factory=UnstartedMessages, init=False)
    """Updated by StallWatch."""
    _unready_at_s: float = field(default=float("-inf"), init=False)
    _unready: int = field(default=0, init=False)
    exit_code: int = field(default=os.EX_OK, init=False)
    """Exit code of the worker once it is drained."""

    @cached_property
    def token(self) -> str:
        """This worker's part of the owner name of its shard locks; see lock_owner."""
        return self.slots.token()

    @cached_property
    def _redis(self) -> RedisClient:
        return connect(self.settings)

    @cached_property
    def shard_lock(self) -> ShardLock:
        """The fleet's shard locks."""
        lease_s = self.settings.visibility_timeout_s
        return ShardLock(self._redis, self.settings.key_prefix, lease_s)

    @cached_property
    def attempts(self) -> Attempts:
        """The fleet's attempt counts."""
        return Attempts(self._redis, self.settings.key_prefix)

    @cached_property
    def fleet(self) -> WorkerRegistry:
        """The worker registry, which producers read."""
        redis = connect(self.settings, answer_within_s=_REGISTRATION_TIMEOUT_S)
        return WorkerRegistry(redis, self.settings.key_prefix)

    @property
    def time_limits(self) -> TimeLimits:
        """The configured time limits of work."""
        return TimeLimits.of(self.settings)

    def unready(self) -> int:
        """Count children without loaded models; the count is at most half a second old."""
        now = self.clock()
        if now - self._unready_at_s > _UNREADY_MAX_AGE_S:
            ready = sum(state.state == "ready" for state in self.states())
            self._unready_at_s, self._unready = now, self.slots.expected() - ready
        return self._unready

    def active_shards(self) -> Iterator[ActiveShard]:
        """Yield every message that a child is processing."""
        by_pid = {state.pid: state for state in self.states()}
        for request in tuple(celery_state.active_requests):
            slot = by_pid.get(request.worker_pid)
            yield ActiveShard(
                request=request,
                identity=identity_in(request),
                pid=request.worker_pid,
                slot=slot,
                progress=self._progress(slot),
            )

    def _progress(self, slot: SlotState | None) -> Progress | None:
        return read_progress(self.slots.directory, slot.slot, slot.pid) if slot else None

    def states(self) -> list[SlotState]:
        """Read the children's state files; empty when they cannot be read."""
        try:
            return self.slots.all()
        except OSError as error:  # Celery would take it for a lost broker connection
            log.warning("cannot read the children's state files: %s", error)
            return []

    def stall_reason(self, progress: Progress | None) -> str | None:
        """Why a child with this progress is considered hung; None while it makes progress."""
        return stall_reason(progress, self.clock(), self.connected_since_s, self.time_limits)

    def idle_children(self) -> list[SlotState]:
        """Return children that could start a message now."""
        return [
            state
            for state in self._without_request()
            if state.state == "ready" and self._progress(state) is None
        ]

    def hung_without_request(self) -> Iterator[tuple[SlotState, str]]:
        """Yield children that hang in a shard that Celery no longer tracks, with the reason.

        When the connection breaks, Celery drops every message whose start its child has not
        reported yet, although the child may be processing it.
        """
        for state in self._without_request():
            if reason := self.stall_reason(self._progress(state)):
                yield state, reason

    def _without_request(self) -> list[SlotState]:
        busy = {request.worker_pid for request in tuple(celery_state.active_requests)}
        return [state for state in self.states() if state.pid not in busy]

    def drain(self, exit_code: int = os.EX_OK) -> None:
        """Stop consuming; exit with this code when children are done or the deadline is reached."""
        if self.drain_deadline_s is None:
            self.drain_deadline_s = self.clock() + self.settings.drain_s
            self.exit_code = exit_code
            with contextlib.suppress(OSError):  # a full disk: children continue to the deadline
                self.slots.mark_draining()
            signal.alarm(int(self.settings.drain_s) + GRACE_S)

    def renew_locks(self) -> None:
        """Renew the shard locks of children that make progress."""
        with _tolerate_redis_errors():
            for one in self.active_shards():
                if one.identity and one.attempt_id and not self.stall_reason(one.progress):
                    owner = lock_owner(self.token, one.pid)
                    self.shard_lock.renew(one.identity, owner)
                    now = self._progress(one.slot)
                    if not now or now.attempt_id != one.attempt_id:  # it had released the lock
                        self.shard_lock.release(one.identity, owner)

    def record_crash(self, request: Any, how: str) -> None:
        """Record how the child of this message crashed, and release its shard lock."""
        identity = identity_in(request)
        if identity is None or request.worker_pid is None:
            return
        with _tolerate_redis_errors():
            self.attempts.record_crash(
                identity, f"{how} (on {self._device_of(request.worker_pid)})"
            )
            self.shard_lock.release(identity, lock_owner(self.token, request.worker_pid))

    def crashed_too_often(self, request: Any) -> int:
        """Count a crash of the message's child; return the count if it exceeds the limit, else 0.

        A child itself rejects a message after FLEET_MAX_ATTEMPTS. The limit here is one higher, for
        children that exit before they count the attempt, or while they reject the message.
        """
        with _tolerate_redis_errors():
            crashes = self.attempts.count_crash(identity_in(request) or f"message:{request.id}")
            return crashes if crashes > self.settings.max_attempts else 0
        return 0

    def discard_attempt(self, one: ActiveShard) -> None:
        """Discard the attempt of a child that was killed on purpose, and release its shard lock."""
        if one.identity is None or one.progress is None:  # not started, or just finished
            return
        with _tolerate_redis_errors():
            self.attempts.discard_attempt(one.identity, one.progress.attempt_id)
            self.shard_lock.release(one.identity, lock_owner(self.token, one.pid))

    def _device_of(self, pid: int) -> str:
        for state in self.states():
            if state.pid == pid:
                return f"{state.device_uuid or state.device}, slot {state.slot}"
        return "an unknown device: the child was already replaced"


def identity_in(request: Any) -> str | None:
    """Return the identity of the shard in a message; None when it is not a valid shard."""
    arguments = request.args
    document = arguments[0] if isinstance(arguments, list | tuple) and arguments else None
    if not isinstance(document, dict):
        return None
    output, shard = document.get("output"), document.get("shard")
    if not (isinstance(output, str) and isinstance(shard, str)):
        return None
    identity = identity_of(output, shard)
    is_key = len(identity) <= _MAX_IDENTITY_CHARS and is_whole(identity)
    return identity if is_key and "\0" not in output else None


@contextlib.contextmanager
def _tolerate_redis_errors() -> Iterator[None]:
    """Log that Redis is unavailable and continue; the parent must not exit because of it."""
    try:
        yield
    except BrokerUnavailable as error:
        log.warning("cannot update shard locks and attempts in Redis: %s", error)
