"""A small HTTP client that knows what it was promised: an answer, or none.

Every caller keeps one connection. A `Road` says where the site is at this moment; when it moves, whoever
still waits for an answer from the old place stops waiting, as a member does who loads the page again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from roseau.drill.failure import DrillFailed

Address = tuple[str, int]

#: Longer than a primary without its reeds takes to say 503, and than members may wait in a planned switch.
ANSWER_SECONDS = 12.0
_CONNECT_SECONDS = 1.5
_LONGEST_HEAD = 64 * 1024


class Unanswered(Exception):
    """No answer came: what was asked for may or may not have happened."""


class Answer(msgspec.Struct, frozen=True):
    """What a server answered; the names of headers are in small letters."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises DrillFailed when it is something else."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            raise DrillFailed(f"the server answered {self.status} with {self.body[:200]!r}") from None

    @property
    def path(self) -> str:
        """Where it leads, without the server's address."""
        location = self.headers.get("location", "")
        return location if location.startswith("/") else "/" + location.partition("://")[2].partition("/")[2]


class Road:
    """The way to the site. With several addresses the next is tried when one does not serve."""

    def __init__(self, *addresses: Address) -> None:
        self._addresses = list(addresses)
        self._at = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> Address:
        """Where the site is said to be now."""
        return self._addresses[self._at % len(self._addresses)]

    def move(self, *addresses: Address) -> None:
        """The site is elsewhere from now on."""
        self._addresses, self._at = list(addresses), 0
        for writer in list(self._open):
            writer.transport.abort()

    def turn(self, away_from: Address) -> None:
        """Try the next address, unless somebody has done so already."""
        if self.address == away_from:
            self._at += 1

    async def connect(self, address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection. Raises Unanswered."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(*address, limit=_LONGEST_HEAD)
        except (OSError, TimeoutError) as error:
            raise Unanswered(f"no connection: {error!r}") from None
        self._open.add(writer)
        return reader, writer

    def close(self, writer: asyncio.StreamWriter) -> None:
        """Let go of a connection at once."""
        self._open.discard(writer)
        writer.transport.abort()


class Caller:
    """One client of the site."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._address: Address | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, *, token: str = "", cookies: Mapping[str, str] | None = None) -> Answer:
        """GET. Raises Unanswered."""
        return await self.call("GET", path, _headers(token, cookies))

    async def post(
        self,
        path: str,
        form: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        *,
        token: str = "",
        cookies: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST a form. Raises Unanswered."""
        headers = _headers(token, cookies) | {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.call("POST", path, headers, urlencode(form).encode())

    async def upload(self, path: str, picture: bytes, *, token: str) -> Answer:
        """POST a picture. Raises Unanswered."""
        part = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="reed.png"\r\n'
        body = part + b"Content-Type: image/png\r\n\r\n" + picture + b"\r\n--cut--\r\n"
        headers = _headers(token, None) | {"Content-Type": "multipart/form-data; boundary=cut"}
        return await self.call("POST", path, headers, body)

    async def call(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request and its answer. Raises Unanswered."""
        address = self._road.address
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._call(address, method, path, headers, body)
        except (Unanswered, OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            self.close()
            self._road.turn(address)
            raise Unanswered(f"no answer: {error!r}") from None
        except asyncio.CancelledError:
            self.close()
            raise
        if answer.status == 503:
            self._road.turn(address)
        return answer

    async def _call(
        self, address: Address, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if self._reader is None or self._writer is None or self._address != address:
            self.close()
            self._reader, self._writer = await self._road.connect(address)
            self._address = address
        host = "{}:{}".format(*address)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if method == "POST":
            lines.append(f"Origin: http://{host}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        answer = await _read_answer(self._reader)
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Let go of the connection."""
        if self._writer is not None:
            self._road.close(self._writer)
        self._reader = self._writer = None


def _headers(token: str, cookies: Mapping[str, str] | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return headers


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read an answer (RFC 9112), of a known length or in chunks. Raises ValueError, EOFError, OSError."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    for line in filter(None, head[1:]):
        name, _, value = line.partition(":")
        if name.lower() == "set-cookie":
            cookie, _, content = value.strip().partition(";")[0].partition("=")
            cookies[cookie] = content
        else:
            headers[name.lower()] = value.strip()
    if status in (204, 304):
        return Answer(status, headers, cookies, b"")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Answer(status, headers, cookies, await _read_chunks(reader))
    return Answer(status, headers, cookies, await reader.readexactly(int(headers.get("content-length", ""))))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body
