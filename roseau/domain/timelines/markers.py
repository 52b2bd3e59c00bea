"""Markers: how far a member has read, so that their next device can go on from there."""

from typing import Literal

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.events import MarkerMoved
from roseau.storage.database import Transaction
from roseau.storage.schema.timelines import markers
from roseau.storage.statements import statement, upsert

Timeline = Literal["home", "notifications"]


class Marker(msgspec.Struct):
    """A place in a timeline; `version` counts the moves. The fields are the columns."""

    timeline: str
    last_read_id: int
    version: int
    updated_at: int


_load = statement(
    select(*(markers.c[name] for name in Marker.__struct_fields__)).where(
        markers.c.account_id == bindparam("member")
    ),
    into=Marker,
)
# One statement reads, counts and writes, so that two devices that move a marker at once cannot lose a move.
_move = statement(
    upsert(markers)
    .values(
        account_id=bindparam("account_id"), timeline=bindparam("timeline"),
        last_read_id=bindparam("last_read_id"), version=1, updated_at=bindparam("updated_at"),
    )
    .on_conflict_do_update(
        index_elements=["account_id", "timeline"],
        set_={
            "last_read_id": upsert(markers).excluded.last_read_id,
            "updated_at": upsert(markers).excluded.updated_at,
            "version": markers.c.version + 1,
        },
        where=markers.c.last_read_id != upsert(markers).excluded.last_read_id,
    )
)  # fmt: skip


def load_markers(tx: Transaction, member_id: int) -> dict[str, Marker]:
    """The member's markers by timeline."""
    return {marker.timeline: marker for marker in tx.all(_load, member=member_id)}


def move_marker(tx: Transaction, member_id: int, timeline: Timeline, last_read_id: int) -> None:
    """Note how far the member has read. Where the marker already stands there, nothing happens."""
    moved = tx.run(
        _move, account_id=member_id, timeline=timeline, last_read_id=last_read_id, updated_at=tx.now
    )
    if moved:
        tx.emit(MarkerMoved(member_id, timeline))
