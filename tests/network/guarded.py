"""Guarded clients for tests: loopback allowed, every `.example` name found there, or no network at all."""

from collections.abc import Callable

import httpx2
import pytest

from roseau.network.client import ClientRules, GuardedClient
from roseau.network.refusals import Failure, FetchError, Refusal, Refused, Unreachable

LOOPBACK = ("127.0.0.1/32",)


def make_client(transport: httpx2.AsyncBaseTransport | None = None, **rules: object) -> GuardedClient:
    """A client that may reach 127.0.0.1 on any port, and finds every `.example` name there."""
    given = {
        "site": "https://roseau.example",
        "version": "0.1.0",
        "allowed_networks": LOOPBACK,
        "ports": None,
    }
    return GuardedClient(ClientRules(**(given | rules)), transport, find_on_loopback)  # type: ignore[arg-type]


async def find_on_loopback(host: str, port: int) -> list[str]:
    return {"private.example": ["127.0.0.2"], "metadata.example": ["169.254.169.254"]}.get(
        host, ["127.0.0.1"]
    )


async def refusal(client: GuardedClient, url: str, **options: object) -> Refusal | Failure:
    """Why this fetch comes to nothing."""
    async with client:
        with pytest.raises(FetchError) as error:
            await client.get(url, **options)  # type: ignore[arg-type]
    assert isinstance(error.value, Refused | Unreachable)
    return error.value.reason


def mock(answer: Callable[[httpx2.Request], httpx2.Response]) -> tuple[GuardedClient, list[httpx2.Request]]:
    """A client whose other side is a function, and what it was sent."""
    sent: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return answer(request)

    return make_client(httpx2.MockTransport(take)), sent
