"""PURE: query results -> pods, as Kubernetes' HorizontalPodAutoscaler and KEDA decide every 15 s.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details and
https://keda.sh/docs/latest/reference/scaledobject-spec/.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.autoscale.history import Answer
from bench.autoscale.scaler import Behavior, Policy, Scaler

SYNC_S = 15.0
"""Interval of decisions: --horizontal-pod-autoscaler-sync-period, and KEDA's pollingInterval."""

_TOLERANCE = 0.1
"""A relative deviation from the target below this changes nothing."""


@dataclass
class Autoscaler:
    """Decides the number of pods from query results, past proposals and past changes."""

    scaler: Scaler
    most: int
    _active_s: float = -math.inf
    _proposed: list[tuple[float, int]] = field(default_factory=list)
    _changed: list[tuple[float, int]] = field(default_factory=list)

    def decide(self, at_s: float, pods: int, answers: Sequence[Answer]) -> int:
        """Return the number of pods for the results of the scaler's triggers, in their order."""
        if not self.scaler.triggers:
            return self.most
        if self._is_active(answers):
            self._active_s = at_s
            decided = self._horizontal(at_s, pods, answers) if pods else 1
        elif None not in answers and at_s - self._active_s >= self.scaler.cooldown_s:
            decided = 0
        else:
            decided = self._horizontal(at_s, pods, answers) if pods else 0
        if decided != pods:
            self._changed.append((at_s, decided - pods))
        return decided

    def _is_active(self, answers: Sequence[Answer]) -> bool:
        asked = zip(self.scaler.triggers, answers, strict=True)
        return any(trigger.activates and (answer or 0) > 0 for trigger, answer in asked)

    def _horizontal(self, at_s: float, pods: int, answers: Sequence[Answer]) -> int:
        up, down = self.scaler.up, self.scaler.down
        proposed = self._propose(pods, answers)
        self._proposed.append((at_s, proposed))
        highest = max(_since(self._proposed, at_s - down.stabilization_s), default=proposed)
        lowest = min(_since(self._proposed, at_s - up.stabilization_s), default=proposed)
        if pods < lowest:
            return min(lowest, self._limit(at_s, pods, up, 1), self.most)
        if pods > highest:
            return max(highest, self._limit(at_s, pods, down, -1), 1)
        return pods

    def _propose(self, pods: int, answers: Sequence[Answer]) -> int:
        """Return the maximum over all triggers; at least `pods` while one has no result."""
        asked = zip(self.scaler.triggers, answers, strict=True)
        known = [(answer, one.per_pod) for one, answer in asked if answer is not None]
        proposed = max(
            (_pods_for(answer, per_pod, pods) for answer, per_pod in known), default=pods
        )
        if len(known) < len(answers):
            proposed = max(proposed, pods)
        return min(max(proposed, 1), self.most)

    def _limit(self, at_s: float, pods: int, behavior: Behavior, way: int) -> int:
        """Return the limit for this direction, by the policy that allows the largest change."""
        limits = []
        for policy in behavior.policies:
            begin = pods - sum(_since(self._changed, at_s - policy.period_s))
            limits.append(_after(policy, begin, way))
        return max(limits) if way > 0 else min(limits)


def _pods_for(answer: float, per_pod: float, pods: int) -> int:
    if abs(answer / (per_pod * pods) - 1) <= _TOLERANCE:
        return pods
    return math.ceil(answer / per_pod)


def _after(policy: Policy, begin: int, way: int) -> int:
    """Return the limit after a period that began with `begin` pods; rounded in the direction."""
    if policy.kind == "Pods":
        return int(begin + way * policy.value)
    reached = begin * (1 + way * policy.value / 100)
    return math.ceil(reached) if way > 0 else int(reached)


def _since(history: Sequence[tuple[float, int]], begin_s: float) -> list[int]:
    """Return the numbers later than `begin_s`."""
    found = []
    for at_s, value in reversed(history):
        if at_s <= begin_s:
            break
        found.append(value)
    return found
