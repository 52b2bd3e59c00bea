"""Telling an authority of one's own accord that somebody's life is in danger (DSA art. 18).

What is told stands where orders stand: with a clock, preserved, with a pack of what the server has, and with
a note of what was sent, to whom and when. Nobody outside the team learns of it.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation import log
from roseau.domain.moderation.cases.joining import note_event, recount
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.desk.orders import KINDS, MAX_WORDS
from roseau.domain.moderation.evidence import preserve_case
from roseau.domain.moderation.notices.filing import new_number
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import PRESERVE
from roseau.domain.site import Site, load_choices
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import authority_orders, notice_items, notices
from roseau.storage.statements import insertion, statement

_KIND: Final = "threat_to_life"
MAX_TEXT: Final = 5_000
#: So many things of a case are named.
MOST: Final = 100


class ThreatDraft(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to tell, where, and what is known besides what the case holds."""

    authority: str
    text: str
    reference: str = ""
    reply_to: str = ""
    language: str = "en"
    country: str = ""


_case = statement(select(cases).where(cases.c.id == bindparam("case")))
_items = statement(
    select(
        notice_items.c.uri,
        notice_items.c.kind,
        notice_items.c.status_id,
        notice_items.c.account_id,
        notice_items.c.snapshot_id,
    )
    .where(notice_items.c.case_id == bindparam("case"))
    .order_by(notice_items.c.id)
)
_add_notice = insertion(
    notices,
    "id number channel category reason comment language account_id good_faith target_account_id received_at",
)
_add_item = insertion(notice_items, "id notice_id position uri kind status_id account_id case_id snapshot_id")
_add = insertion(
    authority_orders,
    "id notice_id case_id kind authority reference legal_basis reply_to received_at due_at",
)


def report_threat(tx: Transaction, site: Site, account_id: int, case_id: int, draft: ThreatDraft) -> int:
    """Begin to tell an authority of a case of the lane S0; the id of what stands among the orders.

    The clock runs from when the team first saw the case. `answer_order` notes what was sent. Raises
    Forbidden, NotFound, Invalid.
    """
    require(tx, account_id, "manage_orders")
    case: Any = tx.one(_case, case=case_id)
    if case is None:
        raise NotFound
    refuse_party(tx, case_id, account_id)
    _check(case, draft)
    notice_id = _add_own_notice(tx, account_id, case, draft)
    order_id, known_at = ids.new_id(), case.seen_at or tx.now
    tx.run(
        _add, id=order_id, notice_id=notice_id, case_id=case_id, kind=_KIND,
        authority=draft.authority.strip(), reference=draft.reference.strip(), legal_basis=KINDS[_KIND].law,
        reply_to=draft.reply_to.strip(), received_at=known_at, due_at=known_at + KINDS[_KIND].time,
    )  # fmt: skip
    preserve_case(tx, site, case_id, until=tx.now + PRESERVE, reason=_KIND)
    note_event(tx, case_id, "threat_reported", account_id=account_id, detail={"order": order_id})
    country = draft.country or load_choices(tx).country
    log.append(tx, "threat", {"case": case.number, "reason": case.reason, "country": country})
    return order_id


def _check(case: Any, draft: ThreatDraft) -> None:
    if case.lane != "S0" or case.kind != "notice":
        raise Invalid("Authorities are told of danger to life: put the case into the lane S0 first.")
    problems: list[Problem] = []
    if not draft.authority.strip():
        problems.append(Problem("authority", "ERR_BLANK", "Say which authority you tell"))
    if not draft.text.strip():
        problems.append(Problem("text", "ERR_BLANK", "Say what makes you think that a life is in danger"))
    for name, most in (
        ("authority", MAX_WORDS),
        ("reference", MAX_WORDS),
        ("reply_to", MAX_WORDS),
        ("text", MAX_TEXT),
    ):
        if len(getattr(draft, name)) > most:
            problems.append(Problem(name, "ERR_TOO_LONG", "This is too long"))
    if problems:
        raise Invalid(problems=tuple(problems))


def _add_own_notice(tx: Transaction, account_id: int, case: Any, draft: ThreatDraft) -> int:
    """A notice of the team's own of everything in the case, with the snapshots that are there."""
    items: dict[Any, Any] = {}
    for row in tx.all(_items, case=case.id):
        items.setdefault((row.status_id, row.account_id) if row.account_id else row.uri, row)
    notice_id = ids.new_id()
    tx.run(
        _add_notice, id=notice_id, number=new_number(), channel="own_initiative", category="legal",
        reason=_KIND, comment=draft.text.strip(), language=draft.language, account_id=account_id,
        good_faith=True, target_account_id=case.target_account_id, received_at=tx.now,
    )  # fmt: skip
    tx.run_many(
        _add_item,
        [
            row._asdict()
            | {"id": ids.new_id(), "notice_id": notice_id, "position": position, "case_id": case.id}
            for position, row in enumerate(list(items.values())[:MOST])
        ],
    )
    recount(tx, case.id)
    return notice_id
