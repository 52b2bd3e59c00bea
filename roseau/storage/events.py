"""The log of what happened: one row per event, appended as the last statement of its transaction.

`docs/tour.md` tells who reads it. The kinds of events are a closed list, in `roseau/domain/events.py`.
"""

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select

from roseau.storage.schema.log import event_cursors, events
from roseau.storage.statements import statement

if TYPE_CHECKING:
    from roseau.storage.database import Transaction


class Event(msgspec.Struct, frozen=True):
    """Anything with a kind (its class's name) and fields; `roseau/domain/events.py` lists them."""


class Recorded(msgspec.Struct, frozen=True):
    """An event as it stands in the log; `payload` is JSON."""

    seq: int
    kind: str
    at: int
    payload: str


_append = statement(
    insert(events).values(kind=bindparam("kind"), at=bindparam("at"), payload=bindparam("payload"))
)
_after = statement(
    select(events.c.seq, events.c.kind, events.c.at, events.c.payload)
    .where(events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("limit")),
    into=Recorded,
)
_last = statement(select(func.max(events.c.seq)))
_cursor = statement(select(event_cursors.c.seq).where(event_cursors.c.reader == bindparam("name")))
_move = statement(
    event_cursors.update()
    .where(event_cursors.c.reader == bindparam("name"))
    .values(seq=bindparam("position"))
)
_start = statement(insert(event_cursors).values(reader=bindparam("reader"), seq=bindparam("seq")))

_encoder = msgspec.json.Encoder()

_forget = statement(
    delete(events).where(
        events.c.at < bindparam("before"),
        events.c.seq <= select(func.coalesce(func.min(event_cursors.c.seq), 0)).scalar_subquery(),
    )
)


def append_events(tx: "Transaction", emitted: list[Event]) -> None:
    """Write the events; only the transaction itself calls this, as its last act."""
    tx.run_many(
        _append,
        [
            {"kind": type(event).__name__, "at": tx.now, "payload": _encoder.encode(event).decode()}
            for event in emitted
        ],
    )


def list_events(tx: "Transaction", after: int, limit: int) -> list[Recorded]:
    """Events with a larger number than `after`, in order."""
    return tx.all(_after, after=after, limit=limit)


def find_last_event(tx: "Transaction") -> int:
    """The number of the newest event, 0 when there is none."""
    return int(tx.value(_last) or 0)


def find_cursor(tx: "Transaction", reader: str) -> int:
    """How far this reader of the log has come."""
    return int(tx.value(_cursor, name=reader) or 0)


def move_cursor(tx: "Transaction", reader: str, seq: int) -> None:
    """Remember how far this reader has come."""
    if not tx.run(_move, name=reader, position=seq):
        tx.run(_start, reader=reader, seq=seq)


def forget_events(tx: "Transaction", before: int) -> None:
    """Delete what happened before that moment, but for what a reader has still to see."""
    tx.run(_forget, before=before)
