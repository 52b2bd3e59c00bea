"""Which blobs the database names: those that must be there, and must be right."""

import re
from typing import Any

from sqlalchemy import bindparam, select

from roseau.storage.blobs import is_name
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import evidence_keys, preserved_media, quarantine, snapshots
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
#: Media that are preserved lie there sealed, as long as there is a key to them; the original may be dropped.
_preserved = statement(
    select(preserved_media.c.sealed_blob)
    .join(evidence_keys, evidence_keys.c.id == preserved_media.c.key_id)
    .where(preserved_media.c.sealed_blob.like(bindparam("pattern")), evidence_keys.c.erase_asked_at.is_(None))
)
_dropped = statement(
    select(preserved_media.c.blob).where(
        preserved_media.c.blob.like(bindparam("pattern")), preserved_media.c.dropped_at.is_not(None)
    )
)
_edits = statement(select(status_edits.c.media).where(status_edits.c.media != "[]"))
# What an evidence key has taken over lies sealed in `preserved_media`.
_evidence = statement(
    select(snapshots.c.media).where(
        snapshots.c.media != "[]", snapshots.c.erased_at.is_(None), snapshots.c.key_id == ""
    )
)
#: What a removed status showed before it was edited: its history is sealed, and can come back.
_quarantined = statement(
    select(quarantine.c.media).where(quarantine.c.media != "[]", quarantine.c.restored_at.is_(None))
)
_history_of = statement(select(status_edits.c.media).where(status_edits.c.status_id == bindparam("status")))
_quarantined_of = statement(
    select(quarantine.c.media).where(
        quarantine.c.status_id == bindparam("status"), quarantine.c.restored_at.is_(None)
    )
)
_NAME = re.compile(r"\b[0-9a-f]{64}\.[a-z0-9]{1,5}\b")


def list_named(tx: Transaction, prefix: str) -> set[str]:
    """The blobs that rows name and that begin with these digits."""
    pattern = prefix + "%"
    found = {name for column in _named for name in tx.values(column, pattern=pattern)}
    found |= set(tx.values(_preserved, pattern=pattern))
    found -= set(tx.values(_dropped, pattern=pattern))
    return {name for name in found if is_name(name)}


def list_in_history(tx: Transaction) -> set[str]:
    """The blobs of evidence, and those that edited statuses once showed: their history shows them still."""
    return _find(tx, _edits) | _find(tx, _quarantined) | list_in_evidence(tx)


def list_in_history_of(tx: Transaction, status_id: int) -> set[str]:
    """The blobs that the history of a status names, whether it is to be read or taken away."""
    rows = tx.values(_history_of, status=status_id) + tx.values(_quarantined_of, status=status_id)
    return {name for media in rows for name in find_names(media)}


def list_in_evidence(tx: Transaction) -> set[str]:
    """The blobs that were seen in what was reported: they outlive it until the evidence is erased."""
    return _find(tx, _evidence)


def _find(tx: Transaction, question: Statement[Any]) -> set[str]:
    return {name for media in tx.values(question) for name in find_names(media)}


def find_names(text: str) -> list[str]:
    """The names of blobs in a text, such as the JSON of a column."""
    return _NAME.findall(text)
