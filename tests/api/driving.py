"""Drives the application with requests that no HTTP library would send, and looks at what comes back."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec


class Attempt(msgspec.Struct, kw_only=True):
    """A request as the server hands it to the application; the path is already unescaped."""

    method: str
    path: str
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = []
    body: bytes = b""
    client: str = "192.0.2.1"


class Answer(msgspec.Struct):
    """What the application sent; of an event stream only the beginning."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""

    def json(self) -> Any:
        """The body, read."""
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> str | None:
        """The sentence of an error, None for anything else."""
        value = self.json() if self.status >= 400 else None
        return value.get("error") if isinstance(value, dict) else None


async def ask(app: Any, attempt: Attempt) -> Answer:
    """Send the request; streams are left as soon as they begin. Whatever the application raises is raised."""
    answer, began, gone = Answer(), asyncio.Event(), asyncio.Event()
    waiting = [{"type": "http.request", "body": attempt.body, "more_body": False}]

    async def receive() -> Any:
        if waiting:
            return waiting.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                gone.set()
                began.set()
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
            if not message.get("more_body"):
                gone.set()

    task = asyncio.create_task(app(_to_scope(app, attempt), receive, send))
    stream = asyncio.create_task(began.wait())
    await asyncio.wait((task, stream), return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
    stream.cancel()
    for outcome in await asyncio.gather(task, stream, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    return answer


def _to_scope(app: Any, attempt: Attempt) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": attempt.method,
        "scheme": "https",
        "path": attempt.path,
        "raw_path": attempt.path.encode(),
        "query_string": attempt.query,
        "root_path": "",
        "headers": [(b"host", b"roseau.test"), *attempt.headers],
        "client": (attempt.client, 1234),
        "server": ("roseau.test", 443),
    }


def bearer(token: str | None, more: Iterable[tuple[bytes, bytes]] = ()) -> list[tuple[bytes, bytes]]:
    """The header that carries a token."""
    return [*more, *([(b"authorization", f"Bearer {token}".encode())] if token is not None else [])]
