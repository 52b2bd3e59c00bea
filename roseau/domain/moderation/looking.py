"""What the console looks up: pictures of a snapshot that was just opened, and decisions by their number."""

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation.cases.access import find_case_id, require_look
from roseau.kernel import clock
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases, decisions
from roseau.storage.schema.notices import authority_orders, evidence_looks, host_letters, snapshots
from roseau.storage.statements import statement

#: A look lasts so long: the pictures of a page that was opened can be loaded, and no address stays open.
LOOK = clock.HOUR

_media = statement(
    select(snapshots.c.media)
    .select_from(snapshots.join(evidence_looks, evidence_looks.c.snapshot_id == snapshots.c.id))
    .where(
        evidence_looks.c.account_id == bindparam("viewer"),
        evidence_looks.c.case_id == bindparam("case"),
        evidence_looks.c.at > bindparam("since"),
        snapshots.c.erased_at.is_(None),
    )
    .distinct()
)

_decision = statement(
    select(decisions.c.id, cases.c.number)
    .select_from(decisions.join(cases, cases.c.id == decisions.c.case_id))
    .where(decisions.c.number == bindparam("wanted"))
)

_letter = statement(select(host_letters.c.id).where(host_letters.c.case_id == bindparam("case")))
_order = statement(select(authority_orders.c.id).where(authority_orders.c.case_id == bindparam("case")))


def find_looked_at(tx: Transaction, viewer_id: int, number: int, blob: str) -> bool:
    """Whether somebody has just opened, in this case, a snapshot that shows the blob. Raises Forbidden."""
    case_id = find_case_id(tx, number)
    require_look(tx, case_id, viewer_id)
    found = tx.values(_media, viewer=viewer_id, case=case_id, since=tx.now - LOOK)
    return any(blob in msgspec.json.decode(names, type=list[str]) for names in found)


def find_decision(tx: Transaction, number: int) -> tuple[int, int]:
    """The id of the decision with that number, and the number of its case. Raises NotFound."""
    row = tx.one(_decision, wanted=number)
    if row is None:
        raise NotFound
    return int(row.id), int(row.number)


def find_desk(tx: Transaction, case_id: int) -> tuple[int | None, int | None]:
    """The letter, or else the order, that a case is about; None where it is no such case."""
    return tx.value(_letter, case=case_id), tx.value(_order, case=case_id)
