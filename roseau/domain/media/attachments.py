"""Attachments as they are kept: what `MediaAttachment` tells of a file, whether or not a status has it."""

import msgspec
from sqlalchemy import bindparam, select

from roseau.storage.database import Transaction
from roseau.storage.schema.media import media_attachments
from roseau.storage.statements import statement


class Attachment(msgspec.Struct):
    """A picture or other file; names of blobs, `meta` as JSON. The fields are the columns, in order."""

    id: int
    status_id: int | None
    account_id: int
    kind: str
    state: str
    content_type: str
    file: str
    small_file: str
    meta: str
    blurhash: str | None
    description: str | None
    remote_url: str | None
    error: str | None = None


ATTACHMENT_COLUMNS = [media_attachments.c[name] for name in Attachment.__struct_fields__]
_own = statement(
    select(*ATTACHMENT_COLUMNS).where(
        media_attachments.c.id == bindparam("attachment"),
        media_attachments.c.account_id == bindparam("owner"),
    ),
    into=Attachment,
)


def find_attachment(tx: Transaction, account_id: int, media_id: int) -> Attachment | None:
    """The attachment, if it is that account's own."""
    return tx.one(_own, attachment=media_id, owner=account_id)
