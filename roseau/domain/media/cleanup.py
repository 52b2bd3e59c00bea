"""What nobody uses goes: uploads that nothing claimed within a day, blobs that no row names, remains."""

import asyncio

from sqlalchemy import bindparam, delete, exists, literal, select

from roseau.domain.media.naming import PARTS, list_in_history, list_named
from roseau.domain.media.pictures import Workshop
from roseau.domain.media.uploads import plan_sweep
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeal_media
from roseau.storage.schema.media import media_attachments
from roseau.storage.statements import statement

#: How long an upload waits to be claimed, and a blob to be named.
UNCLAIMED = clock.DAY

_remove_unclaimed = statement(
    delete(media_attachments).where(
        media_attachments.c.status_id.is_(None),
        media_attachments.c.remote_url.is_(None),
        media_attachments.c.created_at < bindparam("before"),
        ~exists(select(literal(1)).where(appeal_media.c.media_id == media_attachments.c.id)),
    )
)


async def sweep(workshop: Workshop) -> int:
    """Remove what is older than a day and used by nobody; how many blobs went. Plans the next sweep."""
    before = clock.now() - UNCLAIMED
    await workshop.database.write(_forget_unclaimed, before)
    history = await workshop.database.scan(list_in_history)
    removed = 0
    for prefix in PARTS:
        found = await asyncio.to_thread(workshop.blobs.list_older, prefix, before)
        if found:
            used = await workshop.database.scan(list_named, prefix)
            for name in found - used - history:
                removed += await asyncio.to_thread(workshop.blobs.remove_older, name, before)
    await asyncio.to_thread(workshop.blobs.clear_remains, before)
    return removed


def _forget_unclaimed(tx: Transaction, before: int) -> None:
    tx.run(_remove_unclaimed, before=before)
    plan_sweep(tx)
