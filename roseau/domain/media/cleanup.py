"""What nobody uses goes: uploads that no status claimed within a day, blobs that no row names, remains."""

import asyncio
import re
from typing import Any

from sqlalchemy import bindparam, delete, select

from roseau.domain.media.pictures import Workshop
from roseau.domain.media.uploads import plan_sweep
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import custom_emojis, status_edits
from roseau.storage.statements import Statement, statement

#: How long an upload waits to be claimed, and a blob to be named.
UNCLAIMED = clock.DAY

_remove_unclaimed = statement(
    delete(media_attachments).where(
        media_attachments.c.status_id.is_(None),
        media_attachments.c.remote_url.is_(None),
        media_attachments.c.created_at < bindparam("before"),
    )
)


def _names(column: Any) -> Statement[Any]:
    """The blobs in one of the 256 folders that a column names."""
    return statement(select(column).where(column.like(bindparam("pattern"))))


_named = [
    _names(column)
    for column in (
        media_attachments.c.file,
        media_attachments.c.small_file,
        accounts.c.avatar,
        accounts.c.avatar_static,
        accounts.c.header,
        accounts.c.header_static,
        custom_emojis.c.file,
        custom_emojis.c.static_file,
    )
]
_edits = statement(select(status_edits.c.media).where(status_edits.c.media != "[]"))
_NAME = re.compile(r"\b[0-9a-f]{64}\.[a-z0-9]{1,5}\b")


async def sweep(workshop: Workshop) -> int:
    """Remove what is older than a day and used by nobody; how many blobs went. Plans the next sweep."""
    before = clock.now() - UNCLAIMED
    await workshop.database.write(_forget_unclaimed, before)
    history = await workshop.database.scan(_list_in_history)
    removed = 0
    for folder in range(256):
        prefix = f"{folder:02x}"
        found = await asyncio.to_thread(workshop.blobs.list_older, prefix, before)
        if found:
            used = await workshop.database.scan(_list_named, prefix)
            for name in found - used - history:
                removed += await asyncio.to_thread(workshop.blobs.remove_older, name, before)
    await asyncio.to_thread(workshop.blobs.clear_remains, before)
    return removed


def _forget_unclaimed(tx: Transaction, before: int) -> None:
    tx.run(_remove_unclaimed, before=before)
    plan_sweep(tx)


def _list_named(tx: Transaction, prefix: str) -> set[str]:
    return {name for column in _named for name in tx.values(column, pattern=prefix + "%")}


def _list_in_history(tx: Transaction) -> set[str]:
    """The blobs that edited statuses once showed: their history shows them still."""
    return {name for media in tx.values(_edits) for name in _NAME.findall(media)}
