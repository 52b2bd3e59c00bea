"""What the sender of a notice was told: the letters about it, as its page shows them."""

import msgspec
from sqlalchemy import bindparam, func, or_, select

from roseau.domain.moderation.vocabulary import LANES
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases, deliveries
from roseau.storage.schema.notices import notice_items
from roseau.storage.statements import statement


class Answer(msgspec.Struct, frozen=True):
    """A letter; its paragraphs stand apart by an empty line."""

    kind: str
    subject: str
    text: str
    at: int
    decision_id: int | None


class Promise(msgspec.Struct, frozen=True):
    """By when a notice is decided at the latest, and when somebody first looked at it."""

    due_at: int
    seen_at: int | None


_answers = statement(
    select(
        deliveries.c.kind,
        deliveries.c.subject,
        deliveries.c.text,
        deliveries.c.send_at.label("at"),
        deliveries.c.decision_id,
    )
    .where(
        deliveries.c.notice_id == bindparam("notice"),
        deliveries.c.kind != "receipt",
        deliveries.c.cancelled_at.is_(None),
        or_(deliveries.c.shown_at.is_not(None), deliveries.c.send_at <= bindparam("now")),
    )
    .order_by(deliveries.c.id),
    into=Answer,
)
_cases = statement(
    select(cases.c.lane, cases.c.received_at, func.min(cases.c.seen_at).label("seen_at"))
    .select_from(notice_items.join(cases, cases.c.id == notice_items.c.case_id))
    .where(notice_items.c.notice_id == bindparam("notice"))
    .group_by(cases.c.id, cases.c.lane, cases.c.received_at)
)


def list_answers(tx: Transaction, notice_id: int) -> list[Answer]:
    """The letters that the sender of a notice has been sent, oldest first; the receipt is the page itself."""
    return tx.all(_answers, notice=notice_id, now=tx.now)


def find_promise(tx: Transaction, notice_id: int) -> Promise | None:
    """What the clocks of its cases promise to the sender: the last of them, for all are owed an answer."""
    rows = tx.all(_cases, notice=notice_id)
    if not rows:
        return None
    seen = [row.seen_at for row in rows if row.seen_at is not None]
    return Promise(
        max(row.received_at + LANES[row.lane].decided for row in rows), min(seen) if seen else None
    )
