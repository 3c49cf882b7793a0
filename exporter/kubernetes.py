"""The worker pods of this process's namespace, through the Kubernetes API."""

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from funasr_fleet.exporter.deletion_cost import ANNOTATION, KubernetesUnavailable

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
        """See Pods."""
        query = urllib.parse.urlencode({"labelSelector": self.selector})
        found = self._ask("GET", f"{self.url}?{query}")
        metadata = (item["metadata"] for item in found["items"])
        return {one["name"]: (one.get("annotations") or {}).get(ANNOTATION) for one in metadata}

    def set_cost(self, pod: str, cost: str) -> None:
        """See Pods."""
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
