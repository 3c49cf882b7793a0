"""Addresses that lead to this machine, its network or its cloud are told from public ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.worker.audio.sources.web_addresses import is_public

REFUSED = {
    "this host": "127.0.0.1 127.255.255.254 0.0.0.0 :: ::1 localhost",
    "private": "10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 fc00::1 fec0::1",
    "link-local": "169.254.169.254 169.254.170.2 fe80::1 fe80::1%eth0",
    "metadata": "192.0.0.192 fd00:ec2::254",
    "reserved": "192.0.2.1 198.18.0.1 203.0.113.1 240.0.0.1 255.255.255.255 2001:db8::1",
    "multicast": "224.0.0.1 239.255.255.255 ff02::1",
    "mapped": "::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe ::127.0.0.1",
    "NAT64": "64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1",
    "6to4 and Teredo": "2002:7f00:1:: 2002:a9fe:a9fe::1 2001:0:7f00:1::",
    "not addresses": "1.2.3 0x7f000001",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_addresses_outside_the_public_internet_are_refused(kind: str) -> None:
    assert [one for one in (*REFUSED[kind].split(), "") if is_public(one)] == []


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"],
)
def test_public_addresses_are_accepted(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=6, network="fc00::/7"))
def test_no_address_of_a_private_network_is_public(address: object) -> None:
    assert not is_public(str(address))
