"""What a site knows of its copies: backups and base copies as they were made; the reign after a restore."""

import msgspec
from sqlalchemy import bindparam, delete, desc, select, update

from roseau.kernel import clock, ids
from roseau.kernel.errors import mark
from roseau.storage.database import Transaction
from roseau.storage.schema.history import backups
from roseau.storage.schema.survival import log_position
from roseau.storage.statements import insertion, statement
from roseau.survival.contract import Membership
from roseau.survival.reeds.machines import RESTORED, begin_epoch

#: How many epochs a restored copy leaves out: nobody can tell which have begun since it was made.
SKIPPED = 1_000
NIGHTLY, VAULT = "nightly", "vault"
BROKEN_OFF = mark("It was broken off: Roseau was stopped.")
#: How long what became of a backup is remembered.
KEPT = 400 * clock.DAY


class Backup(msgspec.Struct, frozen=True):
    """One backup or base copy; `proven_at` is when it was restored for a trial, `error` why it failed."""

    id: int
    kind: str
    place: str
    started_at: int
    finished_at: int | None
    bytes: int
    proven_at: int | None
    error: str
    #: What the trial found, in a sentence.
    proof: str


_start = insertion(backups, "id kind place started_at")
_finish = statement(
    update(backups)
    .where(backups.c.id == bindparam("backup"))
    .values({name: bindparam(name) for name in ("finished_at", "bytes", "proven_at", "error", "proof")})
)
_broken_off = statement(
    update(backups)
    .where(backups.c.finished_at.is_(None), backups.c.kind == bindparam("wanted"))
    .values(finished_at=bindparam("finished_at"), error=bindparam("error"))
)
_forget = statement(delete(backups).where(backups.c.started_at < bindparam("before")))
_listed = statement(
    select(*(backups.c[name] for name in Backup.__struct_fields__))
    .where(backups.c.kind == bindparam("wanted"))
    .order_by(desc(backups.c.started_at))
    .limit(bindparam("limit")),
    into=Backup,
)
_position = statement(select(log_position.c.epoch, log_position.c.number))


def start_backup(tx: Transaction, kind: str, place: str) -> int:
    """Note that a backup begins; its id. One that never came to an end is noted as broken off."""
    tx.run(_broken_off, wanted=kind, finished_at=tx.now, error=BROKEN_OFF)
    tx.run(_forget, before=tx.now - KEPT)
    backup_id = ids.new_id()
    tx.run(_start, id=backup_id, kind=kind, place=place, started_at=tx.now)
    return backup_id


def finish_backup(
    tx: Transaction, backup_id: int, size: int, *, proof: str = "", error: str = "", proven: bool = False
) -> None:
    """Note how it ended; `proven` when it was restored for a trial and worked."""
    tx.run(
        _finish,
        backup=backup_id,
        finished_at=tx.now,
        bytes=size,
        proven_at=tx.now if proven else None,
        error=error,
        proof=proof,
    )


def record_base(tx: Transaction, place: str, started_at: int, size: int) -> None:
    """Note that a vault was given a base copy."""
    base_id = ids.new_id()
    tx.run(_start, id=base_id, kind=VAULT, place=place, started_at=started_at)
    finish_backup(tx, base_id, size)


def list_backups(tx: Transaction, kind: str, limit: int) -> list[Backup]:
    """The last backups of a kind, the newest first."""
    return tx.all(_listed, wanted=kind, limit=limit)


def find_position(tx: Transaction) -> tuple[int, int]:
    """Where in the log the database stands: epoch and number."""
    row = tx.one(_position)
    return (row.epoch, row.number) if row else (0, 0)


def begin_restored_reign(tx: Transaction, machine_id: str) -> None:
    """Let a restored copy begin a higher epoch on this machine, alone: its reeds saw a later history."""
    epoch = find_position(tx)[0] + SKIPPED
    begin_epoch(tx, Membership(epoch, frozenset(), 0), machine_id, RESTORED)
