"""PURE: which network addresses are public; workers may only connect to these.

A DNS name may point anywhere: at this machine, at hosts of its private network, or at the cloud's
metadata service, which returns credentials (169.254.169.254, fd00:ec2::254).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
"""RFC 8215: for use within a network."""
_ALSO_PRIVATE: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("192.0.0.0/24"),  # RFC 6890; one cloud's metadata service is 192.0.0.192
    IPv6Network("fec0::/10"),  # RFC 3879: deprecated site-local addresses
    _NAT64_LOCAL,
)
"""Non-public networks that some Python versions classify as global."""


def is_public(text: str) -> bool:
    """Whether an address, as the resolver returns it, is public."""
    try:
        address = ip_address(text.partition("%")[0])  # the part after % is an interface name
    except ValueError:
        return False
    return all(map(_is_public, _reached_by(address)))


def _reached_by(address: Address) -> list[Address]:
    """The addresses reached through it: some IPv6 addresses embed an IPv4 address."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    embedded: list[Address | None] = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in embedded if one is not None)]


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or any(address.version == one.version and address in one for one in _ALSO_PRIVATE)
    )
