"""Marks busy worker pods in Kubernetes, so that a scale-down deletes idle pods first.

When a Deployment scales down, it deletes pods with the lowest annotation
controller.kubernetes.io/pod-deletion-cost first, among those that are equally ready. Workers report
their current shard in Redis under their host name, which is the pod's name.
"""

import json
import logging
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.contract.queues import BrokerUnavailable

log = logging.getLogger(__name__)

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
COST_PER_SHARD = 100
EVERY_S = 15.0


class KubernetesUnavailable(Exception):
    """The Kubernetes API failed or cannot be reached: check the service account and its role."""


class Pods(Protocol):
    """The worker pods of this namespace. Every method may raise KubernetesUnavailable."""

    def costs(self) -> Mapping[str, str | None]:
        """Pod name -> its pod-deletion-cost; None if it has none."""

    def set_cost(self, pod: str, cost: str) -> None:
        """Set the pod-deletion-cost of a pod."""


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


_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT_S = 10.0
_MERGE_PATCH = "application/merge-patch+json"
_DIRECT = urllib.request.ProxyHandler({})


@dataclass(frozen=True)
class ClusterPods:
    """The pods matched by a label selector; implements Pods."""

    url: str
    """API URL of the namespace's pods."""
    selector: str
    """Label selector, as in `kubectl get pods --selector`."""
    account: Path = _ACCOUNT
    """Directory of the token, the namespace and the CA certificate. The token is rotated, so it is
    read for each request."""

    @classmethod
    def of_this_namespace(cls, selector: str, account: Path = _ACCOUNT) -> "ClusterPods":
        """The pods of the namespace in which this process runs as a pod.

        Raises:
            KubernetesUnavailable: this process does not run in a pod.
        """
        try:
            host, port = (
                os.environ["KUBERNETES_SERVICE_HOST"],
                os.environ["KUBERNETES_SERVICE_PORT"],
            )
            namespace = (account / "namespace").read_text().strip()
        except (KeyError, OSError):
            raise KubernetesUnavailable("this process does not run in a pod") from None
        host = f"[{host}]" if ":" in host else host
        return cls(f"https://{host}:{port}/api/v1/namespaces/{namespace}/pods", selector, account)

    def costs(self) -> Mapping[str, str | None]:
        """The annotations of all pods matched by the selector."""
        query = urllib.parse.urlencode({"labelSelector": self.selector})
        found = self._ask("GET", f"{self.url}?{query}")
        metadata = (item["metadata"] for item in found["items"])
        return {one["name"]: (one.get("annotations") or {}).get(ANNOTATION) for one in metadata}

    def set_cost(self, pod: str, cost: str) -> None:
        """Patch the pod's annotation."""
        patch = {"metadata": {"annotations": {ANNOTATION: cost}}}
        self._ask("PATCH", f"{self.url}/{urllib.parse.quote(pod)}", patch)

    def _ask(self, method: str, url: str, body: Any = None) -> Any:
        try:
            request = urllib.request.Request(  # noqa: S310 - of_this_namespace makes it https
                url,
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers={
                    "Authorization": f"Bearer {(self.account / 'token').read_text().strip()}",
                    "Content-Type": _MERGE_PATCH,
                },
            )
            with self._opener().open(request, timeout=_TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise KubernetesUnavailable(f"{method} {url}: {error.code} {error.reason}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise KubernetesUnavailable(f"{method} {url}: {error}") from None

    def _opener(self) -> urllib.request.OpenerDirector:
        if not self.url.startswith("https:"):
            return urllib.request.build_opener(_DIRECT)
        context = ssl.create_default_context(cafile=str(self.account / "ca.crt"))
        return urllib.request.build_opener(_DIRECT, urllib.request.HTTPSHandler(context=context))
