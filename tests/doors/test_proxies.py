"""Proxies: what they say of the client is believed from those that are named, and from nobody else."""

from typing import Any

import pytest
from starlette.requests import HTTPConnection

from roseau.doors.callers import TrustedProxies, client_address

pytestmark = pytest.mark.anyio

NETWORKS = ("10.0.0.0/8", "fd00::/8")


async def seen(
    client: Any, *headers: tuple[str, str], networks: tuple[str, ...] = NETWORKS, **scope: Any
) -> Any:
    """The client's address and the scheme, as the application sees them behind the middleware."""
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append((scope["client"] and scope["client"][0], scope["scheme"]))

    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    asked = {"type": "http", "scheme": "http", "client": client, "headers": encoded} | scope
    await TrustedProxies(app, networks)(asked, None, None)  # type: ignore[arg-type]
    return found[0]


def said(*addresses: str) -> list[tuple[str, str]]:
    """Lines of `X-Forwarded-For`."""
    return [("x-forwarded-for", address) for address in addresses]


HTTPS = ("x-forwarded-proto", "https")


@pytest.mark.parametrize(
    ("client", "lines", "address"),
    [
        ("10.0.0.1", said("192.0.2.7"), "192.0.2.7"),
        ("10.0.0.1", said(" 192.0.2.7 "), "192.0.2.7"),
        ("fd00::1", said("2001:db8::7"), "2001:db8::7"),
        ("::ffff:10.0.0.1", said("192.0.2.7"), "192.0.2.7"),
        # Whoever is not named can say what they like.
        ("192.0.2.1", said("198.51.100.1"), "192.0.2.1"),
        ("11.0.0.1", said("198.51.100.1"), "11.0.0.1"),
        ("2001:db8::1", said("198.51.100.1"), "2001:db8::1"),
        # The client's own line comes before what the proxy adds.
        ("10.0.0.1", said("198.51.100.1, 192.0.2.7"), "192.0.2.7"),
        ("10.0.0.1", said("198.51.100.1", "192.0.2.7"), "192.0.2.7"),
        # Two proxies of ours, and a client that claims to be a third.
        ("10.0.0.1", said("198.51.100.1, 192.0.2.7, 10.9.9.9"), "192.0.2.7"),
        ("10.0.0.1", said("198.51.100.1", "192.0.2.7", "10.9.9.9"), "192.0.2.7"),
        ("10.0.0.1", said("10.1.1.1, 192.0.2.7"), "192.0.2.7"),
        ("10.0.0.1", said("10.3.3.3, 10.2.2.2"), "10.3.3.3"),
        # Rubbish next to a proxy is not passed over in favour of what stands before it.
        ("10.0.0.1", said("198.51.100.1, unknown"), "unknown"),
        ("10.0.0.1", said(""), "10.0.0.1"),
        ("10.0.0.1", said(" , ,"), "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
    ],
)
async def test_who_the_client_is(client: str, lines: list[tuple[str, str]], address: str) -> None:
    assert (await seen((client, 1), *lines))[0] == address


async def test_the_scheme_is_believed_from_proxies_alone() -> None:
    assert (await seen(("10.0.0.1", 1), HTTPS))[1] == "https"
    assert (await seen(("192.0.2.1", 1), HTTPS))[1] == "http"
    assert (await seen(("10.0.0.1", 1), ("x-forwarded-proto", "gopher")))[1] == "http"
    assert (await seen(("10.0.0.1", 1), HTTPS, type="websocket", scheme="ws"))[1] == "wss"


async def test_without_proxies_nobody_is_believed() -> None:
    assert await seen(("127.0.0.1", 1), *said("192.0.2.7"), HTTPS, networks=()) == ("127.0.0.1", "http")
    assert await seen(None, *said("192.0.2.7"), HTTPS) == (None, "http")


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_household_is_counted_as_one(client: str, counted: str) -> None:
    assert client_address(HTTPConnection({"type": "http", "client": (client, 1)})) == counted


def test_a_caller_without_an_address_is_counted_too() -> None:
    assert client_address(HTTPConnection({"type": "http", "client": None})) == ""
