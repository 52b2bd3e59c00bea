"""Which addresses this server may connect to, and how a name becomes addresses that are all allowed."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from roseau.network.refusals import Failure, Refusal, Refused, Unreachable

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

# Written out, because `ipaddress.is_global` changes from one patch release of Python to the next.
# Source: the IANA IPv4 special-purpose address registry (RFC 6890 and its updates), multicast, class E.
CLOSED_V4 = tuple(
    IPv4Network(cidr)
    for cidr in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata service lives here too
        "127.0.0.0/8",
        "168.63.129.16/32",  # not special by registry, but inside Azure it is the host's own agent
        "169.254.0.0/16",  # link-local, with most clouds' metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",  # reserved, with the broadcast address
    )
)

# IPv6 the other way round: only 2000::/3 is handed out, so all else is closed without being named:
# loopback, unspecified, IPv4-mapped and -compatible, unique local, link- and site-local, multicast.
OPEN_V6 = IPv6Network("2000::/3")
CLOSED_V6 = tuple(
    IPv6Network(cidr)
    for cidr in (
        "2001::/23",  # protocol assignments, with Teredo and ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4, which carries any IPv4 address
        "3fff::/20",
    )
)
NAT64 = IPv6Network("64:ff9b::/96")


def to_networks(cidrs: Iterable[str]) -> tuple[Network, ...]:
    """Read networks as operators write them, such as `10.0.0.0/8`. Raises ValueError naming the wrong one."""
    return tuple(ip_network(cidr.strip()) for cidr in cidrs)


def may_connect(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether a connection to this IP address may be opened: it is public, or the operator allowed it."""
    parsed = ip_address(address)
    if any(parsed in network for network in allowed):
        return True
    return _is_open_v4(parsed) if isinstance(parsed, IPv4Address) else _is_open_v6(parsed)


def _is_open_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in CLOSED_V4)


def _is_open_v6(address: IPv6Address) -> bool:
    # A host that has only IPv6 meets the IPv4 world under this prefix (RFC 6052), so it cannot be
    # closed altogether; what counts is the address that it carries.
    if address in NAT64:
        return _is_open_v4(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


async def resolve_name(host: str, port: int) -> list[str]:
    """Ask the system for a name's addresses, best first. Raises OSError and UnicodeError."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))


async def list_addresses(host: str, port: int, allowed: tuple[Network, ...], resolve: Resolve) -> list[str]:
    """The addresses of a host, every one of them allowed. Raises Refused and Unreachable.

    One forbidden address among many refuses the name: honest names do not mix, and taking only the
    good ones would let whoever owns the name probe for what is reachable.
    """
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise Unreachable(Failure.NAME) from error
    if not addresses:
        raise Unreachable(Failure.NAME)
    if not all(may_connect(address, allowed) for address in addresses):
        raise Refused(Refusal.ADDRESS)
    return addresses
