"""Taking something out of a flood or of the case of its author: it gets a case and a clock of its own."""

from typing import Any

from sqlalchemy import bindparam, select, update

from roseau.domain.moderation.cases.access import require_work
from roseau.domain.moderation.cases.joining import Opening, find_open_case, note_event, open_case, recount
from roseau.domain.moderation.notices.resolving import resolve_uris
from roseau.domain.moderation.vocabulary import REASONS
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import one_of, statement

#: The subjects of cases that hold more than one thing and are decided as a whole.
SPLIT = ("flood:", "account:")

_item = statement(
    select(
        notice_items.c.id, notice_items.c.uri, notice_items.c.kind, notice_items.c.status_id,
        notice_items.c.account_id, notices.c.reason, notices.c.received_at, cases.c.subject, cases.c.number,
    )
    .select_from(
        notice_items.join(notices, notices.c.id == notice_items.c.notice_id).join(
            cases, cases.c.id == notice_items.c.case_id
        )
    )
    .where(notice_items.c.id == bindparam("item"), notice_items.c.case_id == bindparam("case"))
)  # fmt: skip
_alike = statement(
    select(notice_items.c.id, notice_items.c.status_id, notice_items.c.account_id, notice_items.c.uri).where(
        notice_items.c.case_id == bindparam("case")
    )
)
_move = statement(
    update(notice_items).where(one_of(notice_items.c.id, "ids")).values(case_id=bindparam("new_case"))
)


def split_item(tx: Transaction, site: Site, account_id: int, case_id: int, item_id: int) -> int:
    """Give an item, and those about the same thing, the case that they would have had by themselves; its id.

    Raises Forbidden, NotFound, and Invalid for what the case is about and for letters and orders.
    """
    require_work(tx, case_id, account_id)
    item: Any = tx.one(_item, item=item_id, case=case_id)
    if item is None:
        raise NotFound
    if not item.subject.startswith(SPLIT):
        raise Invalid("Only what came in a flood, or in the case of an account, is taken apart.")
    if item.status_id is not None:
        subject = f"status:{item.status_id}"
    elif item.account_id is not None:
        subject = f"account:{item.account_id}"
    else:
        subject = resolve_uris(tx, site, [item.uri])[0].subject
    if subject == item.subject:
        raise Invalid("This is what the case is about, so it stays in it.")
    same = (item.status_id, item.account_id, "" if item.status_id or item.account_id else item.uri)
    alike = [
        row.id
        for row in tx.all(_alike, case=case_id)
        if (row.status_id, row.account_id, "" if row.status_id or row.account_id else row.uri) == same
    ]
    existing = find_open_case(tx, subject)
    reason = REASONS[item.reason]
    opening = Opening(
        subject=subject, lane=reason.lane, reason=item.reason, severity=reason.severity,
        target_account_id=item.account_id, status_id=item.status_id, received_at=item.received_at,
    )  # fmt: skip
    new_id = existing.id if existing else open_case(tx, site, opening)
    tx.run(_move, ids=alike, new_case=new_id)
    note_event(tx, new_id, "joined", account_id=account_id, detail={"from": item.number})
    recount(tx, case_id)
    recount(tx, new_id)
    return new_id
