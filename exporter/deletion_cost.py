"""Marks busy worker pods in Kubernetes, so that a scale-down deletes idle pods first.

When a Deployment scales down, it deletes pods with the lowest annotation
controller.kubernetes.io/pod-deletion-cost first, among those that are equally ready. Workers report
their current shard in Redis under their host name, which is the pod's name.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from funasr_fleet.broker.ledger.values import WorkerSeen
from funasr_fleet.contract.queues import BrokerUnavailable

log = logging.getLogger(__name__)

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
COST_PER_SHARD = 100
EVERY_S = 15.0


class KubernetesUnavailable(Exception):
    """The Kubernetes API failed or cannot be reached: check the service account and its role."""


class Pods(Protocol):
    """The worker pods of this namespace. Every method raises KubernetesUnavailable."""

    def costs(self) -> Mapping[str, str | None]:
        """Pod name -> its annotation."""

    def set_cost(self, pod: str, cost: str) -> None:
        """Set a pod's annotation."""


def changed_costs(pods: Mapping[str, str | None], workers: Iterable[WorkerSeen]) -> dict[str, str]:
    """PURE: the annotations to update: a pod costs COST_PER_SHARD for each slot with a shard.

    Args:
        pods: pod name -> its current annotation.
        workers: the last reports of all worker children.
    """
    busy = Counter(one.worker for one in workers if one.shard is not None)
    wanted = {pod: str(COST_PER_SHARD * busy[pod]) for pod in pods}
    return {pod: cost for pod, cost in wanted.items() if cost != (pods[pod] or "0")}


def keep_costs(
    pods: Pods,
    workers: Callable[[], Iterable[WorkerSeen]],
    every_s: float = EVERY_S,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Update the annotations every `every_s` seconds, forever; errors are logged and retried."""
    while True:
        try:
            for pod, cost in changed_costs(pods.costs(), workers()).items():
                pods.set_cost(pod, cost)
        except (KubernetesUnavailable, BrokerUnavailable) as error:
            log.warning("pod-deletion-cost update failed, will retry: %s", error)
        except Exception:  # a dead thread would go unnoticed until a busy pod is deleted
            log.exception("pod-deletion-cost update failed, will retry")
        sleep(every_s)


def keep_costs_in_background(pods: Pods, workers: Callable[[], Iterable[WorkerSeen]]) -> None:
    """Run keep_costs in a daemon thread."""
    threading.Thread(target=keep_costs, args=(pods, workers), daemon=True).start()
