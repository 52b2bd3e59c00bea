"""Which blobs the database names: those that must be there, and must be right."""

import re
from typing import Any

from sqlalchemy import bindparam, select

from roseau.storage.blobs import is_name
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import custom_emojis, status_edits
from roseau.storage.statements import Statement, statement

#: All names, a sixteenth at a time: the sixteenth of a million fits into memory with ease.
PARTS = "0123456789abcdef"


def _names(column: Any) -> Statement[Any]:
    """The blobs in some of the folders that a column names."""
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


def list_named(tx: Transaction, prefix: str) -> set[str]:
    """The blobs that rows name and that begin with these digits."""
    found = (name for column in _named for name in tx.values(column, pattern=prefix + "%"))
    return {name for name in found if is_name(name)}


def list_in_history(tx: Transaction) -> set[str]:
    """The blobs that edited statuses once showed: their history shows them still."""
    return {name for media in tx.values(_edits) for name in _NAME.findall(media)}
