"""The letter desk: the letters with the time that is left, and every item with what has become of it."""

from collections.abc import Collection
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import bindparam, case, exists, func, literal, or_, select

from roseau.domain.moderation.cases.parties import party_of, refuse_party
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import (
    appeal_answers,
    appeals,
    cases,
    decision_ends,
    decisions,
    measure_ends,
    measures,
)
from roseau.storage.schema.notices import host_letters, item_dispositions, notice_items, notices, snapshots
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement

State = Literal["up", "held", "removed", "suspended", "deleted", "not_here"]
Disposition = Literal["comply", "contest", "already_done", "not_here"]

#: What takes a post out of sight for good or for a time; `hold` does so until somebody has looked.
_DOWN: Final = ("remove", "suspend")


class Letter(msgspec.Struct, frozen=True):
    """A letter on the desk. The fields are the columns, in order; `open_items` have no answer yet."""

    id: int
    notice_id: int
    case_id: int | None
    case_number: int | None
    provider: str
    reference: str
    subject: str
    reply_to: str
    received_at: int
    deadline_at: int
    deadline_found: bool
    answered_at: int | None
    pack_hash: str
    language: str
    words: str
    items: int
    open_items: int


class Verdict(msgspec.Struct, frozen=True):
    """A decision about an item. The fields are the columns, in order."""

    id: int
    number: int
    status_id: int | None
    account_id: int | None
    measure: str
    until_at: int | None
    ground: str
    rule_id: int | None
    rule_version: int | None
    law: str
    decided_at: int
    undo_until: int
    #: undone, reversed, … when it stands no longer; and when its measure ended.
    ended: str | None
    ended_at: int | None


class Answer(msgspec.Struct, frozen=True):
    """What was answered on an item, and by whom."""

    item_id: int
    kind: Disposition
    reason: str
    decision_id: int | None
    account_id: int | None
    at: int


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a letter. `number` is its place in the letter, counted from 1."""

    id: int
    number: int
    #: As it was given, and as it stands here; the second is empty for what is not here.
    uri: str
    resolved: str
    kind: str
    status_id: int | None
    account_id: int | None
    acct: str
    state: State
    posted_at: int | None
    deleted_at: int | None
    #: SHA-256 of how it looked when the letter came, and when that was kept.
    content_hash: str
    kept_at: int | None
    answer: Answer | None
    #: The decision by which it is down, or was.
    verdict: Verdict | None
    #: open, granted, partly, refused or lapsed; empty when nobody appealed.
    appeal: str
    #: What its state suggests.
    suggestion: Disposition


class Desk(msgspec.Struct, frozen=True):
    """A letter with all its items."""

    letter: Letter
    items: list[Item]
    #: When somebody of the team first looked at it.
    seen_at: int | None = None

    @property
    def left(self) -> list[Item]:
        """The items without an answer."""
        return [item for item in self.items if item.answer is None]


_answered = exists(
    select(literal(1))
    .select_from(
        item_dispositions.outerjoin(
            decision_ends, decision_ends.c.decision_id == item_dispositions.c.decision_id
        )
    )
    .where(item_dispositions.c.item_id == notice_items.c.id, decision_ends.c.decision_id.is_(None))
)
_counts = (
    select(
        notice_items.c.notice_id,
        func.count().label("items"),
        func.sum(case((_answered, 0), else_=1)).label("open_items"),
    )
    .where(notice_items.c.notice_id.in_(select(host_letters.c.notice_id)))
    .group_by(notice_items.c.notice_id)
    .subquery("counts")
)
_letters = select(
    host_letters.c.id,
    host_letters.c.notice_id,
    host_letters.c.case_id,
    cases.c.number.label("case_number"),
    *(
        host_letters.c[name]
        for name in ("provider", "reference", "subject", "reply_to", "received_at", "deadline_at")
    ),
    host_letters.c.deadline_found,
    host_letters.c.answered_at,
    host_letters.c.pack_hash,
    notices.c.language,
    notices.c.comment.label("words"),
    func.coalesce(_counts.c["items"], 0).label("items"),
    func.coalesce(_counts.c.open_items, 0).label("open_items"),
).select_from(
    host_letters.join(notices, notices.c.id == host_letters.c.notice_id)
    .outerjoin(cases, cases.c.id == host_letters.c.case_id)
    .outerjoin(_counts, _counts.c.notice_id == host_letters.c.notice_id)
)
_theirs = ~party_of(bindparam("viewer"))
_waiting = statement(
    _letters.where(host_letters.c.answered_at.is_(None), _theirs)
    .order_by(host_letters.c.deadline_at)
    .limit(200),
    into=Letter,
)
_done = statement(
    _letters.where(host_letters.c.answered_at.is_not(None), _theirs)
    .order_by(host_letters.c.answered_at.desc())
    .limit(200),
    into=Letter,
)
_one = statement(_letters.where(host_letters.c.id == bindparam("letter")), into=Letter)
_by_notice = statement(select(host_letters.c.id).where(host_letters.c.notice_id == bindparam("notice")))
_seen = statement(select(cases.c.seen_at).where(cases.c.id == bindparam("case")))
_items = statement(
    select(
        notice_items.c.id, notice_items.c.position, notice_items.c.uri, notice_items.c.kind,
        notice_items.c.status_id, notice_items.c.account_id, accounts.c.username, accounts.c.domain,
        statuses.c.uri.label("status_uri"), statuses.c.created_at, statuses.c.deleted_at,
        statuses.c.hidden_at, accounts.c.suspended_at, accounts.c.deleted_at.label("account_deleted_at"),
        snapshots.c.hash, snapshots.c.taken_at,
    )
    .select_from(
        notice_items.outerjoin(statuses, statuses.c.id == notice_items.c.status_id)
        .outerjoin(accounts, accounts.c.id == notice_items.c.account_id)
        .outerjoin(snapshots, snapshots.c.id == notice_items.c.snapshot_id)
    )
    .where(notice_items.c.notice_id == bindparam("notice"))
    .order_by(notice_items.c.position)
)  # fmt: skip
_answers = statement(
    select(*(item_dispositions.c[name] for name in Answer.__struct_fields__))
    .select_from(
        item_dispositions.join(notice_items, notice_items.c.id == item_dispositions.c.item_id).outerjoin(
            decision_ends, decision_ends.c.decision_id == item_dispositions.c.decision_id
        )
    )
    .where(notice_items.c.notice_id == bindparam("notice"), decision_ends.c.decision_id.is_(None))
    .order_by(item_dispositions.c.at, item_dispositions.c.id),
    into=Answer,
)
_verdicts = statement(
    select(
        decisions.c.id, decisions.c.number, measures.c.status_id, measures.c.account_id, measures.c.kind,
        measures.c.until_at, decisions.c.ground, decisions.c.rule_id, decisions.c.rule_version,
        decisions.c.law, decisions.c.decided_at, decisions.c.undo_until, decision_ends.c.kind,
        measure_ends.c.at,
    )
    .select_from(
        measures.join(decisions, decisions.c.id == measures.c.decision_id)
        .outerjoin(measure_ends, measure_ends.c.measure_id == measures.c.id)
        .outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id)
    )
    .where(
        or_(
            one_of(measures.c.status_id, "status_ids"),
            measures.c.status_id.is_(None) & one_of(measures.c.account_id, "account_ids"),
        ),
        measures.c.kind.in_((*_DOWN, "hold", "limit", "freeze", "label", "interstitial")),
    )
    .order_by(measures.c.id)
)  # fmt: skip
_appeals = statement(
    select(appeals.c.decision_id, appeal_answers.c.outcome)
    .select_from(appeals.outerjoin(appeal_answers, appeal_answers.c.appeal_id == appeals.c.id))
    .where(one_of(appeals.c.decision_id, "ids"))
    .order_by(appeals.c.id)
)


def list_letters(tx: Transaction, viewer_id: int, *, done: bool = False) -> list[Letter]:
    """The letters that wait for an answer, by their deadlines, or those that have one. Raises Forbidden.

    Those to which the viewer is party are left out.
    """
    require(tx, viewer_id, "manage_letters")
    return tx.all(_done if done else _waiting, viewer=viewer_id)


def find_letter_id(tx: Transaction, notice_id: int) -> int | None:
    """The letter that a notice is, if it is one."""
    return tx.value(_by_notice, notice=notice_id)  # type: ignore[no-any-return]


def load_letter(tx: Transaction, site: Site, viewer_id: int, letter_id: int) -> Desk:
    """A letter with its items. Raises Forbidden to parties and to those who answer no letters, NotFound."""
    require(tx, viewer_id, "manage_letters")
    letter = tx.one(_one, letter=letter_id)
    if letter is None:
        raise NotFound
    if letter.case_id is not None:
        refuse_party(tx, letter.case_id, viewer_id)
    seen_at = tx.value(_seen, case=letter.case_id) if letter.case_id is not None else None
    return Desk(letter, load_items(tx, site, letter.notice_id), seen_at)


def load_items(tx: Transaction, site: Site, notice_id: int) -> list[Item]:
    """The items of a notice with what has become of each; a few statements, however many there are."""
    rows = tx.all(_items, notice=notice_id)
    status_ids = {row.status_id for row in rows if row.status_id}
    account_ids = {row.account_id for row in rows if row.account_id}
    verdicts = _load_verdicts(tx, status_ids, account_ids)
    answers = {answer.item_id: answer for answer in tx.all(_answers, notice=notice_id)}
    said: dict[int, str] = {}
    if verdicts:
        found = tx.all(_appeals, ids=[one.id for group in verdicts.values() for one in group])
        said = {row.decision_id: row.outcome or "open" for row in found}
    return [_to_item(site, row, answers.get(row.id), _of_item(verdicts, row), said) for row in rows]


def _load_verdicts(
    tx: Transaction, status_ids: Collection[int], account_ids: Collection[int]
) -> dict[tuple[str, int], list[Verdict]]:
    """(status or account, id) -> the decisions about it, oldest first."""
    found: dict[tuple[str, int], list[Verdict]] = {}
    for row in tx.all(_verdicts, status_ids=list(status_ids), account_ids=list(account_ids)):
        verdict = Verdict(*row)
        key = ("status", verdict.status_id) if verdict.status_id else ("account", verdict.account_id or 0)
        found.setdefault(key, []).append(verdict)
    return found


def _of_item(verdicts: dict[tuple[str, int], list[Verdict]], row: Any) -> Verdict | None:
    """The decision that counts: one that holds before one that does not, about the post before its author."""
    own = verdicts.get(("status", row.status_id), []) if row.status_id else []
    others = verdicts.get(("account", row.account_id), []) if row.account_id else []
    if row.status_id:
        # What was done to an author counts for a post only as far as it takes the post away.
        others = [one for one in others if one.measure == "suspend"]
    standing = [one for one in (*others, *own) if one.ended_at is None and one.ended is None]
    down = [one for one in standing if one.measure in _DOWN]
    return next(iter((down or standing or [*others, *own])[-1:]), None)


def _to_item(
    site: Site, row: Any, answer: Answer | None, verdict: Verdict | None, said: dict[int, str]
) -> Item:
    state = _state_of(row, verdict)
    return Item(
        id=row.id,
        number=row.position + 1,
        uri=row.uri or (row.status_uri or ""),
        resolved=_address_of(site, row),
        kind=row.kind,
        status_id=row.status_id,
        account_id=row.account_id,
        acct=_acct(row),
        state=state,
        posted_at=row.created_at,
        deleted_at=row.deleted_at or (row.account_deleted_at if row.status_id is None else None),
        content_hash=row.hash or "",
        kept_at=row.taken_at,
        answer=answer,
        verdict=verdict,
        appeal=said.get(verdict.id, "") if verdict else "",
        suggestion=_suggest(state),
    )


def _state_of(row: Any, verdict: Verdict | None) -> State:
    standing = verdict is not None and verdict.ended is None and verdict.ended_at is None
    if row.account_id is None and row.status_id is None:
        return "not_here"
    if row.status_id is not None:
        if standing and verdict is not None and verdict.measure == "remove":
            return "removed"
        if row.deleted_at is not None:
            return "deleted"
        if row.suspended_at is not None:
            return "suspended"
        if row.hidden_at is not None:
            return (
                "held"
                if not (standing and verdict is not None and verdict.measure == "remove")
                else "removed"
            )
        return "up"
    if row.account_deleted_at is not None:
        return "deleted"
    return "suspended" if row.suspended_at is not None else "up"


def _suggest(state: State) -> Disposition:
    match state:
        case "not_here":
            return "not_here"
        case "removed" | "suspended" | "deleted":
            return "already_done"
    return "comply"


def _acct(row: Any) -> str:
    if row.username is None:
        return ""
    return f"{row.username}@{row.domain}" if row.domain else str(row.username)


def _address_of(site: Site, row: Any) -> str:
    if row.username is None:
        return ""
    if row.status_id is not None:
        return str(row.status_uri) if row.domain else f"{site.base_url}/@{row.username}/{row.status_id}"
    return f"{site.base_url}/@{_acct(row)}"
