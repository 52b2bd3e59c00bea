"""The gate in a planned switch: whoever waited is led to the other machine, and each as themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from roseau.doors.gate import Gate

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def another_machine() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that signs everybody in; its address, and the cookies that it was sent."""
    sent: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        cookies = [line.partition(": ")[2] for line in head.split("\r\n") if line.lower()[:7] == "cookie:"]
        sent.append("; ".join(cookies))
        writer.write(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: session=secret; Path=/\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\nok"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", sent


async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """This machine, which answers no longer."""
    raise AssertionError("the gate leads elsewhere")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_one_visitor_is_given_is_not_sent_for_the_next() -> None:
    gate = Gate(nobody)
    async with another_machine() as (address, sent):
        gate.lead_to(address)
        for cookies in ({}, {}, {"session": "own"}):
            transport = httpx2.ASGITransport(gate)
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://roseau.test", cookies=cookies
            ) as visitor:
                answer = await visitor.get("/sign_in")
                assert (answer.text, answer.cookies["session"]) == ("ok", "secret")
        await gate.close()
    assert sent == ["", "", "session=own"]
