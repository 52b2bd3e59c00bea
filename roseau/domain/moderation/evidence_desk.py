"""Preserved evidence as operators see it on the command line: what there is, and keeping or erasing it."""

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation.erasing import erase_case
from roseau.domain.moderation.evidence import preserve_case
from roseau.domain.moderation.evidence_places import list_outstanding
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import evidence_keys
from roseau.storage.statements import statement

_listed = statement(
    select(
        evidence_keys.c.id,
        cases.c.number,
        evidence_keys.c.preserve_until,
        evidence_keys.c.erase_asked_at,
        evidence_keys.c.erased_at,
    )
    .join(cases, cases.c.id == evidence_keys.c.case_id)
    .order_by(cases.c.number, evidence_keys.c.made_at)
)
_case = statement(select(cases.c.id).where(cases.c.number == bindparam("wanted")))


class Preserved(msgspec.Struct, kw_only=True):
    """The evidence of a case. `waits_for`: who has the key, or may have it, though it is to be destroyed."""

    key_id: str
    case: int
    until: int
    erase_asked_at: int | None = None
    erased_at: int | None = None
    waits_for: list[str] = []
    #: Machines that have left the site with the key.
    left_with: list[str] = []
    #: Whether this machine can open it.
    here: bool = False


class Keep(msgspec.Struct):
    """A case, by its number, and for how many days from now its evidence is to be kept."""

    case: int
    days: int


class Erasure(msgspec.Struct):
    """An evidence key to be destroyed; `force`: why, although somebody may still need what it seals."""

    id: str
    force: str = ""


def list_preserved(tx: Transaction, site: Site) -> list[Preserved]:
    """Everything that was ever preserved, by the numbers of its cases."""
    found = []
    for row in tx.all(_listed):
        waiting = list_outstanding(tx, site, row.id) if row.erase_asked_at is not None else []
        found.append(
            Preserved(
                key_id=row.id,
                case=row.number,
                until=row.preserve_until,
                erase_asked_at=row.erase_asked_at,
                erased_at=row.erased_at,
                waits_for=[one.name for one in waiting if not one.left],
                left_with=[one.name for one in waiting if one.left],
                here=site.evidence_keys.find(row.id) is not None,
            )
        )
    return found


def keep(tx: Transaction, site: Site, wanted: Keep) -> str:
    """Preserve a case; the id of its key. Raises NotFound."""
    case_id = tx.value(_case, wanted=wanted.case)
    if case_id is None:
        raise NotFound(f"There is no case {wanted.case}.")
    until = tx.now + wanted.days * clock.DAY
    return preserve_case(tx, site, case_id, until=until, reason="operator")


def erase(tx: Transaction, site: Site, wanted: Erasure) -> None:
    """Erase what is under a key, for good. Raises NotFound, StillNeeded."""
    erase_case(tx, site, None, wanted.id, force=wanted.force)
