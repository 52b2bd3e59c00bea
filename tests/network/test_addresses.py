from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.network.addresses import list_addresses, may_connect, resolve_name, to_networks
from roseau.network.refusals import Failure, Refusal, Refused, Unreachable

pytestmark = pytest.mark.anyio

# The first and the last of each range, and the neighbours that must stay open.
CLOSED = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.7
224.0.0.1 239.255.255.255 240.0.0.0 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::10.1.2.3 64:ff9b::169.254.169.254 64:ff9b:1::1 64:ff9b:1::808:808 100::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1::1 2002:a00:1::1 2002:808:808::1 3fff::1 4000::1 5f00::1
fc00::1 fd00:ec2::254 fe80::1 fe80::1%2 febf::1 fec0::1 ff02::1 ff0e::1
"""

OPEN = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.17
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255
198.20.0.0 223.255.255.255 2001:4860:4860::8888 2a00:1450:4007:80e::200e 2606:4700:4700::1111
64:ff9b::8.8.8.8
"""


@pytest.mark.parametrize("address", CLOSED.split())
def test_closed_addresses(address: str) -> None:
    assert not may_connect(address)


@pytest.mark.parametrize("address", OPEN.split())
def test_open_addresses(address: str) -> None:
    assert may_connect(address)


def test_allowed_networks_open_what_they_name_and_no_more() -> None:
    allowed = to_networks(["10.1.0.0/16", " fd12::/16"])
    assert may_connect("10.1.2.3", allowed) and may_connect("fd12::1", allowed)
    assert not may_connect("10.2.0.1", allowed)
    assert not may_connect("127.0.0.1", allowed)
    assert not may_connect("::ffff:10.1.2.3", allowed)
    assert not may_connect("fd13::1", allowed)


@pytest.mark.parametrize("cidr", ["10.0.0.1/8", "10.0.0.0/33", "example.org"])
def test_networks_that_are_none_are_named(cidr: str) -> None:
    with pytest.raises(ValueError, match=cidr.split("/")[0]):
        to_networks([cidr])


@given(st.ip_addresses(v=4))
def test_ipv4_is_never_more_open_than_python_has_it(address: IPv4Address) -> None:
    assert not may_connect(str(address)) or (address.is_global and not address.is_multicast)
    assert may_connect(f"64:ff9b::{address}") == may_connect(str(address))
    assert not may_connect(f"::ffff:{address}")


@given(st.ip_addresses(v=6))
def test_ipv6_outside_2000_is_closed(address: IPv6Address) -> None:
    if not str(address.exploded).startswith(("2", "3", "0064:ff9b:0000:0000:0000:0000:")):
        assert not may_connect(str(address))


async def test_one_forbidden_address_among_good_ones_refuses_the_name() -> None:
    for answers in (
        ["8.8.8.8", "10.0.0.1"],
        ["::1", "2606:4700::1"],
        ["1.1.1.1", "8.8.8.8", "169.254.169.254"],
    ):

        async def resolve(host: str, port: int, answers: list[str] = answers) -> list[str]:
            return answers

        with pytest.raises(Refused) as refused:
            await list_addresses("mixed.example", 443, (), resolve)
        assert refused.value.reason is Refusal.ADDRESS


async def test_good_addresses_keep_their_order() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["2606:4700::1", "8.8.8.8"]

    assert await list_addresses("good.example", 443, (), resolve) == ["2606:4700::1", "8.8.8.8"]


@pytest.mark.parametrize("error", [OSError("unknown"), UnicodeError("label too long")])
async def test_a_name_that_is_not_found(error: Exception) -> None:
    async def fail(host: str, port: int) -> list[str]:
        raise error

    async def nothing(host: str, port: int) -> list[str]:
        return []

    for resolve in (fail, nothing):
        with pytest.raises(Unreachable) as unreachable:
            await list_addresses("missing.example", 443, (), resolve)
        assert unreachable.value.reason is Failure.NAME


async def test_the_system_reads_disguised_numbers_as_addresses() -> None:
    # The reason why names are judged by what they resolve to, and never by how they look.
    for host in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1"):
        assert [ip_address(a) for a in await resolve_name(host, 80)] == [IPv4Address("127.0.0.1")]
