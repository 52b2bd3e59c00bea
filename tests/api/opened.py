"""Streams that stay open, on the application in this process: what a client would hold in its hand."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import msgspec

PATIENCE = 5


class Told(msgspec.Struct):
    """One event of a stream."""

    event: str
    data: Any
    id: int | None = None


class _Open:
    """An ASGI call whose other side is a test."""

    def __init__(self, app: Any, kind: str, url: str, headers: dict[str, str], **scope: Any) -> None:
        parts = urlsplit(url)
        self.scope = {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("roseau.test", 443),
            **scope,
        }
        self.app = app
        self.to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        #: Cleared, the other side reads nothing any more.
        self.reads = asyncio.Event()
        self.reads.set()
        self.task: asyncio.Task[None]

    def start(self) -> None:
        async def send(message: Any) -> None:
            await self.reads.wait()
            self.from_app.put_nowait(message)

        self.task = asyncio.create_task(self.app(self.scope, self.to_app.get, send))

    async def sent(self) -> dict[str, Any]:
        """The next message of the application."""
        return await asyncio.wait_for(self.from_app.get(), PATIENCE)

    async def end(self) -> None:
        """The application has finished with it."""
        await asyncio.wait_for(asyncio.shield(self.task), PATIENCE)

    async def __aexit__(self, *error: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class EventSource(_Open):
    """A client of server-sent events."""

    def __init__(self, app: Any, url: str, headers: dict[str, str]) -> None:
        super().__init__(app, "http", url, headers, method="GET", scheme="https")
        self.status = 0
        self._text = ""

    async def __aenter__(self) -> "EventSource":
        self.start()
        self.to_app.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        start = await self.sent()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return self

    async def body(self) -> Any:
        """The whole of an answer that is no stream."""
        return json.loads((await self.sent())["body"])

    async def told(self) -> Told:
        """The next event; comments are passed over."""
        while True:
            while "\n" in self._text and self._text.startswith(":"):
                self._text = self._text.partition("\n")[2]
            if "\n\n" in self._text:
                break
            self._text += (await self.sent())["body"].decode()
        block, _, self._text = self._text.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"] if fields["event"] == "delete" else json.loads(fields["data"])
        return Told(fields["event"], data, int(fields["id"]))

    async def rest(self, hub: Any) -> list[Told]:
        """All that is told until nothing but a heartbeat comes."""
        while not self._text.endswith(":thump\n"):
            await hub.beat()
            self._text += (await self.sent())["body"].decode()
        self._text = self._text.removesuffix(":thump\n")
        found: list[Told] = []
        while "\n\n" in self._text:
            found.append(await self.told())
        self._text = ""
        return found

    def leave(self) -> None:
        """Hang up."""
        self.to_app.put_nowait({"type": "http.disconnect"})


class Socket(_Open):
    """A client of the WebSocket."""

    def __init__(
        self, app: Any, url: str, headers: dict[str, str], subprotocols: list[str] | None = None
    ) -> None:
        super().__init__(
            app, "websocket", url, headers, scheme="wss", subprotocols=subprotocols or [],
            extensions={"websocket.http.response": {}},
        )  # fmt: skip

    async def __aenter__(self) -> "Socket":
        self.start()
        self.to_app.put_nowait({"type": "websocket.connect"})
        self.answer = await self.sent()
        return self

    def say(self, **message: Any) -> None:
        """Send JSON."""
        self.say_text(json.dumps(message))

    def say_text(self, text: str) -> None:
        """Send text."""
        self.to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def told(self) -> dict[str, Any]:
        """The next message, its payload read."""
        message = await self.sent()
        told: dict[str, Any] = json.loads(message["text"])
        if "payload" in told and told["event"] != "delete":
            told["payload"] = json.loads(told["payload"])
        return told

    async def settled(self) -> None:
        """Everything that was said has been heard."""
        for _ in range(1000):
            if self.to_app.empty():
                break
            await asyncio.sleep(0.001)
        # An answer that is no question any more: an unknown word tells that the words before it were obeyed.
        self.say(type="subscribe", stream="nowhere")
        assert (await self.told())["error"] == "Unknown stream type"

    def leave(self) -> None:
        """Hang up."""
        self.to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})
