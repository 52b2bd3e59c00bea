"""Sending a log to somebody who is behind: frames as they lie there, or else a base copy first."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import apsw

from roseau.survival.contract import Position
from roseau.survival.reeds.log import Log, Place, read_piece
from roseau.survival.reeds.messages import BaseBegin, BaseEnd, Frames, Piece
from roseau.survival.reeds.wire import Line

#: Bytes in one message of frames, and of a base copy.
BATCH_BYTES = 1024 * 1024
_COPIED_PAGES = 2_000


class Sent(NamedTuple):
    """Where the other side is when it has stored what was sent."""

    place: Place | None
    number: int


async def send_next(line: Line, log: Log, sent: Sent) -> Sent | None:
    """Send the next stretch of the log; None when there is none. Raises log.Dropped, ConnectionError."""
    found = log.follow(sent.place, sent.number)
    if found is None:
        return None
    segment, start, end = found
    data = read_piece(segment, start, min(BATCH_BYTES, end - start))
    place = Place(segment.salts, start + len(data))
    through = segment.find_number(place.offset)
    message = Frames(salts=segment.salts, before=segment.number_before, offset=start, through=through)
    await line.send(message, data)
    return Sent(place, max(sent.number, through))


async def send_base(line: Line, log: Log, path: Path, position: Position, *, alone: bool = False) -> Sent:
    """Send a base copy; the log goes on behind it, unless it is to stand alone.

    Raises log.Dropped, ConnectionError.
    """
    size = path.stat().st_size
    await line.send(BaseBegin(number=position.number, size=size))
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, BATCH_BYTES):
            digest.update(piece)
            await line.send(Piece(), piece)
    place = None if alone else log.after_base(position.number)
    await line.send(BaseEnd(sha256=digest.hexdigest(), follows=place is not None))
    return Sent(place, position.number)


def copy_database(connect: Callable[[], apsw.Connection], target: Path) -> Position:
    """A copy of one moment, made beside the writers; its position. `connect` gives a reading connection."""
    reader = connect()
    writer = apsw.Connection(str(target))
    try:
        # An open read keeps the moment; without it every commit would begin the copy anew, and the position
        # would be another's. It is open only once something was read.
        reader.execute("BEGIN")
        row = reader.execute("SELECT epoch, number FROM log_position").get
        with writer.backup("main", reader, "main") as copy:
            while not copy.done:
                copy.step(_COPIED_PAGES)
        reader.execute("ROLLBACK")
    finally:
        writer.close()
        reader.close()
    return Position(int(row[0]), int(row[1]))
