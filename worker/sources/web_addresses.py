"""PURE: which network addresses are nobody's business: a worker stands where others cannot reach.

A name in the DNS may point anywhere: at this machine, at its neighbours, or at the service that
hands out the cloud's credentials (169.254.169.254, fd00:ec2::254).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
"""RFC 8215: for use within a network."""
_ALSO_CLOSED: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("192.0.0.0/24"),  # RFC 6890; a cloud has its credentials at 192.0.0.192
    IPv6Network("fec0::/10"),  # RFC 3879: the private addresses of old
    _NAT64_LOCAL,
)
"""What Python calls global, in some of its versions at least."""


def is_public(text: str) -> bool:
    """Whether an address, as the resolver gives it, is one of the open internet."""
    try:
        address = ip_address(text.partition("%")[0])  # behind % is the name of an interface
    except ValueError:
        return False
    return all(map(_is_open, _stands_for(address)))


def _stands_for(address: Address) -> list[Address]:
    """What is reached by it: of some IPv6 addresses, an IPv4 address behind a gateway."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    behind: list[Address | None] = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in behind if one is not None)]


def _is_open(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or any(address.version == one.version and address in one for one in _ALSO_CLOSED)
    )
