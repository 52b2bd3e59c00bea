"""What a former primary had beyond the log that was taken over: written down for its operator."""

import os
from pathlib import Path

import msgspec
from sqlalchemy import select

from roseau.storage import events
from roseau.storage.database import Database, Transaction
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement
from roseau.survival.reeds.messages import Joined

_BATCH = 500

_texts = statement(select(statuses.c.id, statuses.c.text).where(one_of(statuses.c.id, "ids")))


class Unagreed(msgspec.Struct):
    """One thing that happened on this machine and on no other."""

    seq: int
    kind: str
    at: int
    what: msgspec.Raw
    text: str | None = None


class Beyond(msgspec.Struct):
    """How much there was, and the file that has it (None: nothing was written)."""

    events: int
    path: Path | None


def write_beyond(database: Database, folder: Path, joined: Joined) -> Beyond:
    """Write everything that happened here after the new epoch began elsewhere. On disk when this returns."""
    found = database.read_now(_list_unagreed, joined.after_event)
    if not found:
        return Beyond(0, None)
    path = folder / f"beyond-{joined.epoch}.json"
    data = msgspec.json.format(msgspec.json.encode(found), indent=1)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Beyond(len(found), path)


def _list_unagreed(tx: Transaction, after: int) -> list[Unagreed]:
    found: list[Unagreed] = []
    while rows := events.list_events(tx, found[-1].seq if found else after, _BATCH):
        found += [Unagreed(row.seq, row.kind, row.at, msgspec.Raw(row.payload.encode())) for row in rows]
    ids = {msgspec.json.decode(event.what, type=dict[str, object]).get("status_id") for event in found}
    texts = {row.id: row.text for row in tx.all(_texts, ids=[one for one in ids if one])}
    for event in found:
        status_id = msgspec.json.decode(event.what, type=dict[str, object]).get("status_id")
        event.text = texts.get(status_id)
    return found
