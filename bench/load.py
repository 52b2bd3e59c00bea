"""A small, fast HTTP/1.1 load generator: keep-alive connections that each wait for their answer."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import cast

import msgspec
import uvloop


class Measured(msgspec.Struct):
    """What came of a run. Times in milliseconds."""

    requests: int
    failed: int
    seconds: float
    times: list[float]

    @property
    def rate(self) -> float:
        """Requests answered per second."""
        return (self.requests - self.failed) / self.seconds

    def percentile(self, part: float) -> float:
        """The time under which that part of the answers came: `percentile(0.99)`."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def to_request(
    method: str, path: str, token: str, body: bytes = b"", kind: str = "application/json"
) -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class _Connection(asyncio.Protocol):
    """Sends the next request when the last one is answered."""

    def __init__(
        self, requests: Iterator[bytes], done: Callable[[float, bool], bool], ended: asyncio.Future[None]
    ):
        self.requests = requests
        self.done = done
        self.ended = ended
        self.buffer = b""
        self.started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.ask()

    def ask(self) -> None:
        self.started = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self.buffer[:head].lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < head + 4 + length:
            return
        good = self.buffer[9:10] == b"2"
        self.buffer = self.buffer[head + 4 + length :]
        if self.done((time.perf_counter() - self.started) * 1000, good):
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def _drive(
    host: str, port: int, requests: Iterator[bytes], connections: int, seconds: float
) -> Measured:
    loop = asyncio.get_running_loop()
    measured = Measured(0, 0, 0.0, [])
    until = time.perf_counter() + seconds

    def done(spent: float, good: bool) -> bool:
        measured.requests += 1
        measured.failed += not good
        measured.times.append(spent)
        return time.perf_counter() < until

    started = time.perf_counter()
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(lambda end=end: _Connection(requests, done, end), host, port)
    await asyncio.wait_for(asyncio.gather(*ends), seconds + 30)
    measured.seconds = time.perf_counter() - started
    return measured


def drive(
    port: int, requests: Iterator[bytes], connections: int, seconds: float, host: str = "127.0.0.1"
) -> Measured:
    """Send requests over so many connections for so many seconds; each waits for its answer."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(host, port, requests, connections, seconds))
