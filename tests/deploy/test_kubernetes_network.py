"""deploy/kubernetes/components/network-policy: allowed connections."""

import ipaddress
from typing import Literal

import pytest

from tests.support.deployments import (
    Manifest,
    enqueue_job,
    find,
    labels_of,
    of_kind,
    render,
    selects,
    worker,
)

Direction = Literal["Ingress", "Egress"]
SIDE = {"Ingress": "from", "Egress": "to"}


def labels() -> dict[str, dict[str, str]]:
    manifests = render("one-gpu")
    exporter = find(manifests, "Deployment", "funasr-fleet-exporter")
    return {
        "worker": labels_of(worker(manifests)),
        "exporter": labels_of(exporter),
        "producer": labels_of(enqueue_job()),
        "stranger": {"app.kubernetes.io/name": "something-else"},
    }


def allowed(who: str, direction: Direction, peer: str, protocol: str, port: int) -> bool:
    """Whether Kubernetes allows a connection: a pod that a policy selects is closed by default.

    Args:
        who: the pod.
        direction: Ingress for incoming, Egress for outgoing connections.
        peer: a namespace's name, or an address outside the cluster.
        protocol: TCP or UDP.
        port: the port of the destination.
    """
    policies = [
        one["spec"]
        for one in of_kind(render("one-gpu", ("network-policy",)), "NetworkPolicy")
        if selects(one["spec"]["podSelector"], labels()[who])
        and direction in one["spec"]["policyTypes"]
    ]
    if not policies:
        return True
    rules = [rule for spec in policies for rule in spec.get(direction.lower(), [])]
    return any(
        _is_among(peer, rule.get(SIDE[direction]))
        and {"protocol": protocol, "port": port} in rule["ports"]
        for rule in rules
    )


def _is_among(peer: str, peers: list[Manifest] | None) -> bool:
    return peers is None or any(_is(peer, one) for one in peers)


def _is(peer: str, one: Manifest) -> bool:
    if "ipBlock" in one:
        try:
            return ipaddress.ip_address(peer) in ipaddress.ip_network(one["ipBlock"]["cidr"])
        except ValueError:  # a namespace
            return False
    return selects(one["namespaceSelector"], {"kubernetes.io/metadata.name": peer})


ANYWHERE = "203.0.113.7"
DNS, REDIS, REDIS_TLS, HTTPS = 53, 6379, 6380, 443


@pytest.mark.parametrize(
    ("who", "peer", "port", "expected"),
    [
        ("worker", "monitoring", 9464, True),
        ("worker", "keda", 9464, False),
        ("worker", "default", 9464, False),
        ("worker", ANYWHERE, 9464, False),
        ("worker", "monitoring", 22, False),
        ("exporter", "monitoring", 9465, True),
        ("exporter", "keda", 9465, True),
        ("exporter", "default", 9465, False),
        ("producer", "monitoring", 9464, False),
        ("stranger", "default", 80, True),
    ],
)
def test_allowed_ingress(who: str, peer: str, port: int, expected: bool) -> None:
    assert allowed(who, "Ingress", peer, "TCP", port) is expected


@pytest.mark.parametrize(
    ("who", "port", "expected"),
    [
        *((who, port, True) for who in ("worker", "producer") for port in (REDIS, REDIS_TLS)),
        *((who, HTTPS, True) for who in ("worker", "producer", "exporter")),
        *((who, DNS, True) for who in ("worker", "producer", "exporter")),
        ("exporter", REDIS, True),
        ("exporter", REDIS_TLS, True),
        ("exporter", 6443, True),
        *((who, 80, False) for who in ("worker", "producer", "exporter")),
        *((who, 5432, False) for who in ("worker", "producer", "exporter")),
        ("worker", 6443, False),
    ],
)
def test_allowed_egress(who: str, port: int, expected: bool) -> None:
    assert allowed(who, "Egress", ANYWHERE, "TCP", port) is expected


@pytest.mark.parametrize("who", ["worker", "producer", "exporter"])
def test_dns_is_allowed_over_udp_and_tcp(who: str) -> None:
    assert allowed(who, "Egress", "kube-system", "UDP", DNS)
    assert allowed(who, "Egress", "kube-system", "TCP", DNS)


@pytest.mark.parametrize("who", ["worker", "producer", "exporter"])
def test_the_metadata_service_of_the_node_is_unreachable(who: str) -> None:
    assert not allowed(who, "Egress", "169.254.169.254", "TCP", 80)
    of_the_pod = allowed(who, "Egress", "169.254.170.23", "TCP", 80)
    assert of_the_pod is (who != "exporter")
