"""Tell which network addresses a stranger's name may lead to."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address

EMBEDDING = tuple(
    IPv6Network(each) for each in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)
"""IPv6 addresses that stand for an IPv4 address: compatible, mapped, NAT64 (RFC 6052, 8215), Teredo, 6to4."""


@lru_cache(maxsize=2**12)
def is_allowed(text: str, *, loopback: bool) -> bool:
    """Tell whether an address may be connected to: public ones, or with `loopback` this machine's own and no other."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if loopback:
        return address.is_loopback
    if not isinstance(address, IPv4Address) and any(address in network for network in EMBEDDING):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
