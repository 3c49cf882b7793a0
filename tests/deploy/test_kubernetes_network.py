"""deploy/kubernetes/components/network-policy: who may talk to whom."""

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
    """As Kubernetes decides: any policy that finds the pod closes it, and any may open it.

    Args:
        who: the pod.
        direction: Ingress for who is let in, Egress for where it may go.
        peer: a namespace's name, or an address outside the cluster.
        protocol: TCP or UDP.
        port: of whom is talked to.
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
def test_who_is_let_in(who: str, peer: str, port: int, expected: bool) -> None:
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
def test_where_to_it_may_go(who: str, port: int, expected: bool) -> None:
    assert allowed(who, "Egress", ANYWHERE, "TCP", port) is expected


@pytest.mark.parametrize("who", ["worker", "producer", "exporter"])
def test_names_are_looked_up_by_either_protocol(who: str) -> None:
    assert allowed(who, "Egress", "kube-system", "UDP", DNS)
    assert allowed(who, "Egress", "kube-system", "TCP", DNS)


@pytest.mark.parametrize("who", ["worker", "producer", "exporter"])
def test_the_machine_s_own_credentials_are_out_of_reach(who: str) -> None:
    assert not allowed(who, "Egress", "169.254.169.254", "TCP", 80)
    of_the_pod = allowed(who, "Egress", "169.254.170.23", "TCP", 80)
    assert of_the_pod is (who != "exporter")
