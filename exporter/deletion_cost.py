"""Tell Kubernetes which worker pods are busy, so that it ends idle ones first.

A Deployment that shrinks picks pods by their annotation controller.kubernetes.io/pod-deletion-cost,
the cheapest first, among those that are equally ready. Workers say in Redis what they are at, and
by which host name; that of a pod is its own.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from contract.ledger.values import WorkerSeen
from contract.queues import BrokerUnavailable

log = logging.getLogger(__name__)

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
COST_PER_SHARD = 100
EVERY_S = 15.0


class KubernetesUnavailable(Exception):
    """The API of Kubernetes refuses or does not answer: check the service account and its role."""


class Pods(Protocol):
    """The worker pods of this namespace. Every method raises KubernetesUnavailable."""

    def costs(self) -> Mapping[str, str | None]:
        """Each pod's annotation, by the pod's name."""

    def set_cost(self, pod: str, cost: str) -> None:
        """Set a pod's annotation."""


def changed_costs(pods: Mapping[str, str | None], workers: Iterable[WorkerSeen]) -> dict[str, str]:
    """PURE: what is to be written: a hundred for each slot that works on a shard.

    Args:
        pods: each pod's annotation now.
        workers: what the children of all workers last said.
    """
    busy = Counter(one.worker for one in workers if one.shard is not None)
    wanted = {pod: str(COST_PER_SHARD * busy[pod]) for pod in pods}
    return {pod: cost for pod, cost in wanted.items() if cost != (pods[pod] or "0")}


def keep_costs(
    pods: Pods,
    look: Callable[[], Iterable[WorkerSeen]],
    every_s: float = EVERY_S,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Do so for ever; what fails is tried again."""
    while True:
        try:
            for pod, cost in changed_costs(pods.costs(), look()).items():
                pods.set_cost(pod, cost)
        except (KubernetesUnavailable, BrokerUnavailable) as error:
            log.warning("pods keep their deletion costs: %s", error)
        except Exception:  # nobody would miss the thread until Kubernetes ends a busy pod
            log.exception("pods keep their deletion costs")
        sleep(every_s)


def keep_costs_in_background(pods: Pods, look: Callable[[], Iterable[WorkerSeen]]) -> None:
    """The same beside what this process does; ends with it."""
    threading.Thread(target=keep_costs, args=(pods, look), daemon=True).start()
