"""From a post to its event on open streams: 1 000 members listen over SSE, one of those they follow posts.

python -m bench.streams
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from bench.filling import add_followers, add_tokens, open_folder
from bench.load import to_request
from bench.serving import roseau, serving

STREAMS = 1_000
POSTS = 30
PAUSE = 0.3


class Listener(asyncio.Protocol):
    """One open stream; remembers when each update came."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.opened = asyncio.get_running_loop().create_future()
        self.updates: list[float] = []
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        transport.write(to_request("GET", "/api/v1/streaming/user", self.token))

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self.opened.set_result(data.startswith(b"HTTP/1.1 200"))
        now = time.perf_counter()
        found = (self.tail + data).count(b"event: update")
        self.updates.extend([now] * found)
        self.tail = b"" if found else data[-16:]


async def post(port: int, token: str, number: int) -> None:
    """Post once, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        to_request(
            "POST",
            "/api/v1/statuses",
            token,
            msgspec.json.encode({"status": f"Live, number {number} #reeds"}),
        )
    )
    answer = await reader.readline()
    if b" 200 " not in answer:
        raise RuntimeError(f"the post was refused: {answer!r}")
    writer.close()


async def listen(port: int, tokens: list[str], author: str) -> tuple[list[float], int]:
    """Milliseconds from asking for each post to each arrival, and how many arrivals are missing."""
    loop = asyncio.get_running_loop()
    listeners = [Listener(token) for token in tokens]
    for listener in listeners:
        await loop.create_connection(lambda listener=listener: listener, "127.0.0.1", port)
    opened = await asyncio.wait_for(asyncio.gather(*(listener.opened for listener in listeners)), 60)
    if not all(opened):
        raise RuntimeError("a stream was refused")
    times: list[float] = []
    missing = 0
    for number in range(POSTS):
        before = [len(listener.updates) for listener in listeners]
        started = time.perf_counter()
        await post(port, author, number)
        until = started + 5
        while time.perf_counter() < until:
            await asyncio.sleep(PAUSE)
            if all(len(one.updates) > count for one, count in zip(listeners, before, strict=True)):
                break
        for listener, count in zip(listeners, before, strict=True):
            if len(listener.updates) > count:
                times.append((listener.updates[count] - started) * 1000)
            else:
                missing += 1
    for listener in listeners:
        listener.transport.close()
    return times, missing


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        roseau(folder, "init", "--domain", "bench.example")
        author_id = int(roseau(folder, "account", "create", "author", "--email", "author@bench.example"))
        author = roseau(folder, "token", "create", "author")
        database = open_folder(folder)
        made = database.write_now(add_followers, author_id, STREAMS)
        tokens = database.write_now(add_tokens, made, "read")
        database.close()
        with (
            serving(folder, "--rate-limits", "false") as (port, _),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            times, missing = runner.run(listen(port, tokens, author))
    times.sort()
    print(f"| {STREAMS} open SSE streams, {POSTS} posts | p50 ms | p99 ms | most ms | missing |")
    print("|---|---|---|---|---|")
    high = times[int(len(times) * 0.99)]
    print(f"| post to event | {statistics.median(times):.1f} | {high:.1f} | {times[-1]:.1f} | {missing} |")


if __name__ == "__main__":
    main()
