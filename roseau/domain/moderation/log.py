"""The log of moderation: one chain of entries, in which each holds the hash of the one before it.

An entry names no person: whoever acts is an HMAC under a key that only the site has, so that entries can be
published and counted, and still be told apart. `docs/moderation.md` has the format, for others to verify.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.site import Site
from roseau.kernel.sealing import derive_key
from roseau.storage.database import Transaction
from roseau.storage.schema.moderation import moderation_log
from roseau.storage.statements import insertion, statement

#: What stands before the first entry.
GENESIS = bytes(32)

_tail = statement(
    select(moderation_log.c.seq, moderation_log.c.hash).order_by(moderation_log.c.seq.desc()).limit(1)
)
_insert = insertion(moderation_log, "seq at kind body hash")
_after = statement(
    select(moderation_log)
    .where(moderation_log.c.seq > bindparam("after"))
    .order_by(moderation_log.c.seq)
    .limit(bindparam("limit"))
)
_encoder = msgspec.json.Encoder(order="sorted")


class Entry(msgspec.Struct, frozen=True):
    """One entry; `body` is canonical JSON: keys sorted, no spaces, UTF-8."""

    seq: int
    at: int
    kind: str
    body: str
    hash: bytes


def hash_entry(previous: bytes, seq: int, at: int, kind: str, body: str) -> bytes:
    """SHA-256 over the previous hash and the entry's fields, each ended by a newline."""
    return hashlib.sha256(previous + f"{seq}\n{at}\n{kind}\n{body}\n".encode()).digest()


def append(tx: Transaction, kind: str, body: Mapping[str, Any] | msgspec.Struct) -> int:
    """Add an entry; its number. Call it last in a command: others that log wait until the commit."""
    tail: tuple[int, bytes] | None = tx.memo.get("moderation_log")
    if tail is None:
        tx.lock_events()
        row = tx.one(_tail)
        tail = (0, GENESIS) if row is None else (row.seq, bytes(row.hash))
    seq = tail[0] + 1
    text = _encoder.encode(body).decode()
    digest = hash_entry(tail[1], seq, tx.now, kind, text)
    tx.run(_insert, seq=seq, at=tx.now, kind=kind, body=text, hash=digest)
    tx.memo["moderation_log"] = (seq, digest)
    return seq


def list_entries(tx: Transaction, after: int, limit: int) -> list[Entry]:
    """Entries with a larger number than `after`, in order."""
    return [
        Entry(row.seq, row.at, row.kind, row.body, bytes(row.hash))
        for row in tx.all(_after, after=after, limit=limit)
    ]


def find_tail(tx: Transaction) -> tuple[int, bytes]:
    """The number and the hash of the newest entry; 0 and zeros when there is none."""
    row = tx.one(_tail)
    return (0, GENESIS) if row is None else (row.seq, bytes(row.hash))


def pseudonym(site: Site, account_id: int | None) -> str:
    """Somebody, in the log: always the same 16 hexadecimal digits, and nobody's name. Empty for nobody."""
    if account_id is None:
        return ""
    key = derive_key(site.data_key, "moderation log")
    return hmac.new(key, str(account_id).encode(), hashlib.sha256).hexdigest()[:16]
