"""Rehearsals of the switch: what each one showed. `roseau rehearse` and the control room begin them."""

import msgspec
from sqlalchemy import desc, select

from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.watch import rehearsals
from roseau.storage.statements import insertion, statement


class Rehearsal(msgspec.Struct, frozen=True):
    """One: `seconds` from the loss of the primary to the first write, `lost` acknowledged writes."""

    at: int
    scenario: str
    seconds: float
    lost: int
    passed: bool
    detail: str


_columns = [rehearsals.c[name] for name in Rehearsal.__struct_fields__]
_add = insertion(rehearsals, "id at scenario seconds lost passed detail")
_last = statement(select(*_columns).order_by(desc(rehearsals.c.id)).limit(1), into=Rehearsal)


def record_rehearsal(tx: Transaction, rehearsal: Rehearsal) -> None:
    """Keep what a rehearsal showed."""
    tx.run(_add, id=ids.new_id(), **msgspec.structs.asdict(rehearsal))


def find_last_rehearsal(tx: Transaction) -> Rehearsal | None:
    """The newest rehearsal; None when there was none."""
    return tx.one(_last)
