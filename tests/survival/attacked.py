"""A primary and a reed to be attacked: what the tests of attackers share."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from roseau.survival.reeds import messages
from tests.survival.copies import look
from tests.survival.media import until
from tests.survival.reeds import Pair, RunningReed


@contextmanager
def watched_pair(folder: Path) -> Iterator[Pair]:
    """A primary and its reed, which have a table and follow each other; nothing goes wrong unnoticed."""
    opened = Pair(folder)
    failures = watch_loop(opened.reed)
    try:
        run(opened, "CREATE TABLE filler (id INTEGER PRIMARY KEY, text TEXT)")
        add(opened)
        yield opened
    finally:
        opened.close()
    assert failures == []


def watch_loop(reed: RunningReed) -> list[Any]:
    """What nobody has caught in the reed's event loop."""
    failures: list[Any] = []
    reed._loop.set_exception_handler(lambda loop, context: failures.append(context))
    return failures


def run(pair: Pair, sql: str) -> None:
    """One commit, acknowledged by the reed."""
    pair.database.write_now(lambda tx: tx.script(sql))


def add(pair: Pair, size: int = 1_000) -> None:
    """A row of so many random bytes."""
    run(pair, f"INSERT INTO filler (text) VALUES (hex(randomblob({size})))")


def until_same(pair: Pair) -> None:
    """The reed follows, and has exactly what the primary has."""
    until(lambda: pair.link.live and pair.link.stored == pair.shipper.log.number)
    assert pair.reed.run(stored(pair.reed)) == pair.shipper.log.number
    copies = [look(folder, pair.folder / "aside") for folder in (pair.folder / "primary", pair.reed.folder)]
    assert copies[0] == copies[1]
    assert copies[0].number == pair.shipper.log.number


async def stored(reed: RunningReed) -> int:
    """How far the reed's copy has come on its disk."""
    return (await reed.reed.on_disk(lambda: reed.reed.standby)).number


def move(pair: Pair, port: int) -> None:
    """From now on the reed is called at another port."""
    moved = msgspec.structs.replace(pair.machine, address=f"127.0.0.1:{port}")
    pair.shipper.call(pair.shipper.set_roster(pair.roster(moved)))


def hang_up(pair: Pair) -> None:
    """End the connection, so that the primary has to call again."""

    async def end() -> None:
        if pair.reed.reed.primary is not None:
            pair.reed.reed.primary.close()

    pair.reed.run(end())


def pack(message: messages.Message, body: bytes = b"") -> bytes:
    """A message as it is sent."""
    head = msgspec.msgpack.encode(message)
    return struct.pack(">II", len(head), len(body)) + head + body
