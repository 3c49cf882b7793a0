"""What the parent knows of the shards in its children's hands, and does for them in Redis.

The parent holds the messages and sees its children die; so it renews their leases and claims, says
how a child died, and takes back what a child cannot finish.
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from celery.worker import state as celery_state

from contract.attempts_key import identity_of
from contract.fleet_state import FleetState
from contract.ledger import connect
from contract.queues import BrokerUnavailable
from contract.settings import Settings
from worker.attempts import Attempts
from worker.claims import Claims, owner_of
from worker.parent.unstarted import UnstartedMessages
from worker.progress import Patience, Progress, read_progress, why_stopped
from worker.slots import SlotFiles, SlotState

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5

_TELL_WITHIN_S = 3.0
"""A Redis that hangs must not hold up this process for what is good to know, but no more."""

GRACE_S = 15
"""After the time to drain: whatever keeps this process then, it ends."""


@dataclass(frozen=True, kw_only=True)
class InHand:
    """A message that a child works on."""

    request: Any
    """Celery's."""
    identity: str | None
    """None when the message is no shard."""
    pid: int
    slot: SlotState | None
    """None when the child has been replaced."""
    progress: Progress | None


@dataclass(eq=False)
class Parent:
    """The parent's side of its children's work; the clock is a parameter."""

    settings: Settings
    slots: SlotFiles
    clock: Any = time.monotonic
    in_touch_since_s: float = field(default=0.0, init=False)
    """Since when the consumer and its broker are in touch."""
    drained_by_s: float | None = field(default=None, init=False)
    """When nothing may be in a child's hands any more; None while work is taken."""
    unstarted: UnstartedMessages = field(default_factory=UnstartedMessages, init=False)
    """Counted by StallWatch."""
    _looked_s: float = field(default=float("-inf"), init=False)
    _unready: int = field(default=0, init=False)
    exit_code: int = field(default=os.EX_OK, init=False)
    """What the worker ends with once it is drained."""

    @cached_property
    def token(self) -> str:
        """The name of this worker's claims."""
        return self.slots.token()

    @cached_property
    def _redis(self) -> Any:
        return connect(self.settings)

    @cached_property
    def claims(self) -> Claims:
        """The fleet's claims."""
        lease_s = self.settings.visibility_timeout_s
        return Claims(self._redis, self.settings.key_prefix, lease_s)

    @cached_property
    def attempts(self) -> Attempts:
        """The fleet's counts of beginnings."""
        return Attempts(self._redis, self.settings.key_prefix)

    @cached_property
    def fleet(self) -> FleetState:
        """Where producers are told of this worker."""
        redis = connect(self.settings, answer_within_s=_TELL_WITHIN_S)
        return FleetState(redis, self.settings.key_prefix)

    @property
    def patience(self) -> Patience:
        """How long work may take."""
        return Patience.of(self.settings)

    def unready(self) -> int:
        """How many children have no model yet; half a second old at most."""
        now = self.clock()
        if now - self._looked_s > _LOOK_EVERY_S:
            ready = sum(state.state == "ready" for state in self.states())
            self._looked_s, self._unready = now, self.slots.expected() - ready
        return self._unready

    def in_hand(self) -> Iterator[InHand]:
        """Every message that a child works on."""
        by_pid = {state.pid: state for state in self.states()}
        for request in tuple(celery_state.active_requests):
            slot = by_pid.get(request.worker_pid)
            yield InHand(
                request=request,
                identity=identity_in(request),
                pid=request.worker_pid,
                slot=slot,
                progress=self._progress(slot),
            )

    def _progress(self, slot: SlotState | None) -> Progress | None:
        return read_progress(self.slots.directory, slot.slot, slot.pid) if slot else None

    def states(self) -> list[SlotState]:
        """What the children last said of themselves; nothing when that cannot be read."""
        try:
            return self.slots.all()
        except OSError as error:  # must not look like a lost broker
            log.warning("the state of the children cannot be read: %s", error)
            return []

    def why_stopped(self, one: InHand) -> str | None:
        """Why the child that has it must be taken for hung; None while it works."""
        return self._why_stopped(one.progress)

    def _why_stopped(self, progress: Progress | None) -> str | None:
        return why_stopped(progress, self.clock(), self.in_touch_since_s, self.patience)

    def idle_children(self) -> list[SlotState]:
        """Children that could start a message now."""
        return [
            state
            for state in self._without_request()
            if state.state == "ready" and self._progress(state) is None
        ]

    def hung_without_request(self) -> Iterator[tuple[SlotState, str]]:
        """Children that hang in a shard that Celery no longer tracks, and why.

        When the connection breaks, Celery drops every message whose start its child has not
        reported yet, although the child may be processing it.
        """
        for state in self._without_request():
            if why := self._why_stopped(self._progress(state)):
                yield state, why

    def _without_request(self) -> list[SlotState]:
        busy = {request.worker_pid for request in tuple(celery_state.active_requests)}
        return [state for state in self.states() if state.pid not in busy]

    def drain(self, exit_code: int = os.EX_OK) -> None:
        """Take no more work; end with this code when children are done, or their time is over."""
        if self.drained_by_s is None:
            self.drained_by_s = self.clock() + self.settings.drain_s
            self.exit_code = exit_code
            with contextlib.suppress(OSError):  # a full disk: then children go on until the end
                self.slots.say_draining()
            signal.alarm(int(self.settings.drain_s) + GRACE_S)

    def renew_claims(self) -> None:
        """Hold the claims of those children for longer that make progress."""
        with _redis_may_be_away():
            for one in self.in_hand():
                if one.identity and one.progress and not self.why_stopped(one):
                    owner = owner_of(self.token, one.pid)
                    self.claims.renew(one.identity, owner)
                    if self._progress(one.slot) is None:  # released meanwhile, and taken back by us
                        self.claims.release(one.identity, owner)

    def note_death(self, request: Any, how: str) -> None:
        """Keep how the child died that had this message, and free its claim."""
        identity = identity_in(request)
        if identity is None or request.worker_pid is None:
            return
        with _redis_may_be_away():
            self.attempts.note_death(identity, f"{how} (on {self._device_of(request.worker_pid)})")
            self.claims.release(identity, owner_of(self.token, request.worker_pid))

    def crashed_too_often(self, request: Any) -> int:
        """Count the exit of the child that had this message; how many, once they are too many.

        A child rejects a message after FLEET_MAX_ATTEMPTS by itself. This limit, one above, also
        holds when children exit before they count the attempt, or while they reject the message.
        """
        with _redis_may_be_away():
            crashes = self.attempts.count_crash(identity_in(request) or f"message:{request.id}")
            return crashes if crashes > self.settings.max_attempts else 0
        return 0

    def forgive(self, one: InHand) -> None:
        """What this child has in hand is taken from it on purpose."""
        if one.identity is None or one.progress is None:  # not begun, or ended just now
            return
        with _redis_may_be_away():
            self.attempts.forgive(one.identity, one.progress.beginning)
            self.claims.release(one.identity, owner_of(self.token, one.pid))

    def _device_of(self, pid: int) -> str:
        for state in self.states():
            if state.pid == pid:
                return f"{state.device_uuid or state.device}, slot {state.slot}"
        return "a device whose child was replaced"


def identity_in(request: Any) -> str | None:
    """The identity of the shard that a message carries; None when it is no shard."""
    arguments = request.args
    document = arguments[0] if isinstance(arguments, list | tuple) and arguments else None
    if not isinstance(document, dict):
        return None
    output, shard = document.get("output"), document.get("shard")
    return (
        identity_of(output, shard) if isinstance(output, str) and isinstance(shard, str) else None
    )


@contextlib.contextmanager
def _redis_may_be_away() -> Iterator[None]:
    """What the parent does in Redis is worth trying, never worth ending for."""
    try:
        yield
    except BrokerUnavailable as error:
        log.warning("claims and attempts cannot be kept for now: %s", error)
