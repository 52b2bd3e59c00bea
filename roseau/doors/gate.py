"""The gate before all requests: open, shut for the moment of a hand-over, or leading to another machine.

Who comes while it is shut waits, and is then served here or there; so a planned switch loses no request.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from roseau.kernel.errors import Unavailable

#: A request waits so long for the gate, and the gate for requests that were let in before.
WAIT_SECONDS = 60.0
DRAIN_SECONDS = 5.0
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
#: What stays open by itself, or shuts the gate itself, is not waited for.
_NOT_WAITED_FOR = ("/api/v1/streaming", "/live", "/control")


class Gate:
    """ASGI middleware; one for each application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = asyncio.Event()
        self._open.set()
        self._inside = 0
        self._client: httpx2.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, let it wait, or take it to the machine that runs the site now."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if not self._open.is_set():
            async with asyncio.timeout(WAIT_SECONDS):
                await self._open.wait()
        if self._client is not None:
            await self._forward(self._client, scope, receive, send)
            return
        counted = scope["type"] == "http" and not scope["path"].startswith(_NOT_WAITED_FOR)
        self._inside += counted
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= counted

    async def shut(self) -> None:
        """Let nobody in, and wait for those who are. Raises Unavailable, open again, when they do not end."""
        self._open.clear()
        until = time.monotonic() + DRAIN_SECONDS
        while self._inside:
            if time.monotonic() > until:
                self.reopen()
                raise Unavailable("Some requests do not end, so nothing was handed over. Try again.")
            await asyncio.sleep(0.01)

    def reopen(self) -> None:
        """Let everybody in again."""
        self._open.set()

    def lead_to(self, url: str) -> None:
        """From now on every request is answered by the machine at this address."""
        # What one visitor is given is never sent along with the request of the next.
        forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx2.AsyncClient(
            base_url=url, timeout=WAIT_SECONDS, follow_redirects=False, cookies=forgetful
        )
        self._open.set()

    async def close(self) -> None:
        """Lead nowhere any more."""
        if self._client is not None:
            await self._client.aclose()

    async def _forward(self, client: httpx2.AsyncClient, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # The client connects anew, by then to where the name points.
            with suppress(RuntimeError):
                await WebSocketClose(code=1012)(scope, receive, send)
            return
        request = Request(scope, receive)
        headers = [(name, value) for name, value in request.headers.raw if name not in _HOP_BY_HOP]
        if request.client is not None:
            headers.append((b"x-forwarded-for", request.client.host.encode()))
        headers.append((b"x-forwarded-proto", request.url.scheme.encode()))
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        has_body = b"content-length" in dict(headers) or b"transfer-encoding" in dict(request.headers.raw)
        asked = client.build_request(
            request.method, target, headers=headers, content=request.stream() if has_body else None
        )
        try:
            answer = await client.send(asked, stream=True)
        except httpx2.HTTPError as error:
            raise Unavailable("The machine that runs this site now does not answer. Try again.") from error
        response: Response = StreamingResponse(_read(answer), status_code=answer.status_code)
        response.raw_headers = [
            (name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _HOP_BY_HOP
        ]
        await response(scope, receive, send)


async def _read(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()
