"""Whom a reader does not want to meet: the one condition that timelines, streams, lists and search join.

Judged when something is read, so that changing one's mind shows at once. Parameters: `viewer`, `now`.
"""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, literal, or_, select

from roseau.storage.schema.relationships import blocks, mutes

_viewer: Any = bindparam("viewer")
_now: Any = bindparam("now")


def _blocks(one: Any, other: Any) -> ColumnElement[bool]:
    return exists(select(literal(1)).where(blocks.c.account_id == one, blocks.c.target_id == other))


def hidden(person: ColumnElement[int], reader: Any = _viewer) -> ColumnElement[bool]:
    """The reader has muted or blocked that person."""
    muted = exists(
        select(literal(1)).where(
            mutes.c.account_id == reader,
            mutes.c.target_id == person,
            or_(mutes.c.expires_at.is_(None), mutes.c.expires_at > _now),
        )
    )
    return or_(muted, _blocks(reader, person))


def unwanted(person: ColumnElement[int]) -> ColumnElement[bool]:
    """The viewer has muted or blocked that person, or is blocked by them."""
    return or_(hidden(person), _blocks(person, _viewer))
