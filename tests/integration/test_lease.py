"""Leases in a real Valkey: one owner at a time, until it releases, expires or is replaced."""

import time
import uuid

import pytest

from funasr_fleet.broker.lease import Leases
from funasr_fleet.broker.ledger import connect
from funasr_fleet.settings import Settings


@pytest.fixture
def leases(settings: Settings) -> Leases:
    return Leases(connect(settings))


@pytest.fixture
def key() -> str:
    return f"lease-{uuid.uuid4()}"


def test_a_lease_has_one_owner_until_it_is_released(leases: Leases, key: str) -> None:
    assert leases.take(key, "a", 60).left_s == 0.0
    assert leases.take(key, "a", 60).owner == "a"
    other = leases.take(key, "b", 60)
    assert (other.owner, 0 < other.left_s <= 60) == ("a", True)
    leases.release(key, "b")
    assert leases.take(key, "b", 60).owner == "a"
    leases.release(key, "a")
    assert leases.take(key, "b", 60).owner == "b"


def test_a_lease_that_expires_is_free(leases: Leases, key: str) -> None:
    leases.take(key, "a", 0.01)
    deadline = time.monotonic() + 60
    while leases.take(key, "b", 60).owner != "b":
        assert time.monotonic() < deadline
    assert leases.renew(key, "a", 60) == "b"


def test_a_dead_owner_is_replaced(leases: Leases, key: str) -> None:
    leases.take(key, "a", 60)
    assert leases.take(key, "b", 60, instead_of="c").owner == "a"
    assert leases.take(key, "b", 60, instead_of="a").owner == "b"


@pytest.mark.parametrize(("retake", "owner"), [(True, "a"), (False, "")])
def test_a_lost_lease_can_be_reacquired_on_renewal(
    leases: Leases, key: str, retake: bool, owner: str
) -> None:
    assert leases.renew(key, "a", 60, retake=retake) == owner
    assert leases.take(key, "b", 60).owner == (owner or "b")
