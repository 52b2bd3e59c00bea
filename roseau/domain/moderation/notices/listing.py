"""What became of one's notices: for members by account, for everybody else by the number that they got."""

from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import one_of, statement

State = Literal["received", "looked_at", "decided"]


class MyNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as its sender may know it: nothing of who looks at it, and nothing of what was private."""

    id: int
    #: The member who sent it; None for somebody without an account.
    sender_id: int | None
    number: str
    channel: str
    category: str
    reason: str
    comment: str
    language: str
    rule_ids: tuple[int, ...]
    forward: bool
    received_at: int
    #: upheld, not_upheld, unfounded; None while it is open.
    outcome: str | None
    outcome_at: int | None
    state: State
    #: The account that it is about, if the sender named one.
    target: AccountView | None
    #: The posts that an app named, and the addresses that a person wrote.
    status_ids: tuple[int, ...]
    collection_ids: tuple[int, ...]
    uris: tuple[str, ...]


_columns = tuple(
    notices.c[name]
    for name in [
        "id",
        "number",
        "channel",
        "category",
        "reason",
        "comment",
        "language",
        "rule_ids",
        "forward",
        "received_at",
        "outcome",
        "outcome_at",
        "target_account_id",
        "account_id",
    ]
)
_mine = Paged[Any](select(*_columns).where(notices.c.account_id == bindparam("account")), notices.c.id)
_by_number = statement(select(*_columns).where(notices.c.number == bindparam("wanted")))
_by_id = statement(select(*_columns).where(notices.c.id == bindparam("wanted")))
_items = statement(
    select(
        notice_items.c.notice_id, notice_items.c.uri, notice_items.c.kind, notice_items.c.status_id,
        cases.c.seen_at,
    )
    .select_from(notice_items.outerjoin(cases, cases.c.id == notice_items.c.case_id))
    .where(one_of(notice_items.c.notice_id, "ids"))
    .order_by(notice_items.c.notice_id, notice_items.c.position)
)  # fmt: skip


def list_my_notices(tx: Transaction, account_id: int, page: Page) -> list[MyNotice]:
    """What a member has reported, newest first, and what became of it."""
    return _complete(tx, _mine.fetch(tx, page, account=account_id))


def find_my_notice(tx: Transaction, account_id: int, notice_id: int) -> MyNotice | None:
    """One of a member's own notices, or None."""
    row = tx.one(_by_id, wanted=notice_id)
    return _complete(tx, [row])[0] if row is not None and row.account_id == account_id else None


def find_notice_by_number(tx: Transaction, number: str) -> MyNotice | None:
    """The notice with that number, as whoever holds the number may see it; None where there is none."""
    row = tx.one(_by_number, wanted=number.strip().lower())
    return None if row is None else _complete(tx, [row])[0]


def load_notice(tx: Transaction, notice_id: int) -> MyNotice | None:
    """A notice by its id, for those who may see it anyway."""
    row = tx.one(_by_id, wanted=notice_id)
    return None if row is None else _complete(tx, [row])[0]


def _complete(tx: Transaction, rows: list[Any]) -> list[MyNotice]:
    if not rows:
        return []
    items: dict[int, list[Any]] = {}
    for item in tx.all(_items, ids=[row.id for row in rows]):
        items.setdefault(item.notice_id, []).append(item)
    targets = load_accounts(tx, [row.target_account_id for row in rows if row.target_account_id])
    return [
        MyNotice(
            id=row.id, sender_id=row.account_id, number=row.number,
            channel=row.channel, category=row.category, reason=row.reason,
            comment=row.comment, language=row.language,
            rule_ids=msgspec.json.decode(row.rule_ids, type=tuple[int, ...]), forward=row.forward,
            received_at=row.received_at, outcome=row.outcome, outcome_at=row.outcome_at,
            state=_state(row, items.get(row.id, [])), target=targets.get(row.target_account_id or 0),
            # What was named by its address stays an address: whether it is here is not for the sender.
            status_ids=tuple(one.status_id for one in items.get(row.id, []) if one.status_id and not one.uri),
            collection_ids=tuple(
                int(one.uri.partition(":")[2]) for one in items.get(row.id, []) if one.kind == "collection"
            ),
            uris=tuple(
                one.uri for one in items.get(row.id, []) if one.uri and one.kind != "collection"
            ),
        )
        for row in rows
    ]  # fmt: skip


def _state(row: Any, items: list[Any]) -> State:
    if row.outcome is not None:
        return "decided"
    return "looked_at" if any(item.seen_at is not None for item in items) else "received"
