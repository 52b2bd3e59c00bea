"""Notices as moderation apps list them: what Mastodon calls reports. A party to a case does not see it."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, exists, func, literal, or_, select, update

from roseau.domain.moderation.cases.joining import Opening, find_open_case, open_case, recount
from roseau.domain.moderation.cases.parties import party_of
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import REASONS, Category
from roseau.domain.site import Site
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.cases import cases, decisions
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import one_of, statement


class Report(msgspec.Struct, kw_only=True):
    """A notice with how far its cases are."""

    id: int
    category: str
    comment: str
    forward: bool
    received_at: int
    account_id: int | None
    target_account_id: int
    rule_ids: tuple[int, ...]
    status_ids: list[int] = []
    case_ids: list[int] = []
    assignee_id: int | None = None
    #: Every case of it was decided; when the last one was, and by whom.
    resolved: bool = False
    resolved_at: int | None = None
    resolved_by_id: int | None = None


_items = notice_items.alias("items")
_first_author = (
    select(func.min(_items.c.account_id))
    .where(_items.c.notice_id == notices.c.id)
    .correlate(notices)
    .scalar_subquery()
)
_target = func.coalesce(notices.c.target_account_id, _first_author)


def _has_case(*conditions: Any) -> Any:
    return exists(
        select(literal(1))
        .select_from(_items.join(cases, cases.c.id == _items.c.case_id))
        .where(_items.c.notice_id == notices.c.id, *conditions)
        .correlate(notices)
    )


_open = _has_case(cases.c.state.in_(("open", "paused", "second_voice")))
_columns = (
    notices.c.id,
    notices.c.category,
    notices.c.comment,
    notices.c.forward,
    notices.c.received_at,
    notices.c.account_id,
    _target.label("target_account_id"),
    notices.c.rule_ids,
)
_visible = (
    _target.is_not(None),
    ~_has_case(party_of(bindparam("viewer"))),
    func.coalesce(notices.c.target_account_id, 0) != bindparam("viewer"),
)


def _listing(*conditions: Any) -> Paged[Any]:
    asked = (
        or_(bindparam("by") == 0, notices.c.account_id == bindparam("by")),
        or_(bindparam("about") == 0, _target == bindparam("about")),
    )
    return Paged(select(*_columns).where(*_visible, *conditions, *asked), notices.c.id)


_listings = {True: _listing(~_open), False: _listing(_open)}
_one = statement(select(*_columns).where(notices.c.id == bindparam("wanted"), *_visible))
_cases = statement(
    select(
        _items.c.notice_id,
        _items.c.status_id,
        cases.c.id.label("case_id"),
        cases.c.state,
        cases.c.assignee_id,
        cases.c.decided_at,
    )
    .select_from(_items.outerjoin(cases, cases.c.id == _items.c.case_id))
    .where(one_of(_items.c.notice_id, "ids"))
    .order_by(_items.c.notice_id, _items.c.position)
)
_deciders = statement(
    select(decisions.c.case_id, decisions.c.decider_id)
    .where(one_of(decisions.c.case_id, "ids"), decisions.c.reverses_id.is_(None))
    .order_by(decisions.c.number)
)
_change = statement(
    update(notices)
    .where(notices.c.id == bindparam("wanted"))
    .values(category=bindparam("new_category"), rule_ids=bindparam("new_rules"))
)
_decided = statement(
    select(cases.c.id, cases.c.subject, cases.c.lane, cases.c.reason, cases.c.severity,
           cases.c.target_account_id, cases.c.status_id, cases.c.domain)
    .where(one_of(cases.c.id, "ids"), cases.c.state == "closed", cases.c.kind == "notice")
)  # fmt: skip
_move = statement(
    update(notice_items)
    .where(notice_items.c.notice_id == bindparam("notice"), notice_items.c.case_id == bindparam("old"))
    .values(case_id=bindparam("new_case"))
)
_reopen_notice = statement(
    update(notices).where(notices.c.id == bindparam("wanted")).values(outcome=None, outcome_at=None)
)


def list_reports(
    tx: Transaction, viewer_id: int, page: Page, *, resolved: bool = False, by_id: int = 0, about_id: int = 0
) -> list[Report]:
    """Notices that wait, or that were decided, the newest first. Raises Forbidden. A `scan`."""
    require(tx, viewer_id, "view_cases")
    rows = _listings[resolved].fetch(tx, page, viewer=viewer_id, by=by_id, about=about_id)
    return _complete(tx, rows)


def find_report(tx: Transaction, viewer_id: int, notice_id: int) -> Report:
    """One of them. Raises Forbidden, NotFound."""
    require(tx, viewer_id, "view_cases")
    row = tx.one(_one, wanted=notice_id, viewer=viewer_id)
    if row is None:
        raise NotFound
    return _complete(tx, [row])[0]


def _complete(tx: Transaction, rows: list[Any]) -> list[Report]:
    found: dict[int, Report] = {}
    for row in rows:
        fields = row._asdict() | {"rule_ids": msgspec.json.decode(row.rule_ids, type=tuple[int, ...])}
        found[row.id] = Report(**fields)
    if not found:
        return []
    states: dict[int, list[str]] = {}
    for row in tx.all(_cases, ids=list(found)):
        report = found[row.notice_id]
        if row.status_id is not None and row.status_id not in report.status_ids:
            report.status_ids.append(row.status_id)
        if row.case_id is None or row.case_id in report.case_ids:
            continue
        report.case_ids.append(row.case_id)
        states.setdefault(report.id, []).append(row.state)
        report.assignee_id = report.assignee_id or row.assignee_id
        report.resolved_at = max(report.resolved_at or 0, row.decided_at or 0) or None
    deciders = _find_deciders(tx, [case_id for one in found.values() for case_id in one.case_ids])
    for report in found.values():
        report.resolved = all(state in ("decided", "closed") for state in states.get(report.id, []))
        if not report.resolved:
            report.resolved_at = None
        else:
            report.resolved_by_id = next(
                (deciders[case_id] for case_id in reversed(report.case_ids) if case_id in deciders), None
            )
    return list(found.values())


def _find_deciders(tx: Transaction, case_ids: Iterable[int]) -> dict[int, int | None]:
    return {row.case_id: row.decider_id for row in tx.all(_deciders, ids=list(case_ids))}


def change_report(
    tx: Transaction,
    by_id: int,
    notice_id: int,
    *,
    category: Category | None,
    rule_ids: tuple[int, ...] | None,
) -> None:
    """File a notice under another category or other rules. Raises Forbidden, NotFound."""
    require(tx, by_id, "decide_cases")
    report = find_report(tx, by_id, notice_id)
    kept = report.rule_ids if rule_ids is None else rule_ids
    tx.run(
        _change,
        wanted=notice_id,
        new_category=category or report.category,
        new_rules=msgspec.json.encode(kept).decode(),
    )


def reopen_report(tx: Transaction, site: Site, by_id: int, notice_id: int) -> None:
    """Look at a notice again: what was decided stands, and each thing it names has an open case anew.

    Raises Forbidden, NotFound.
    """
    require(tx, by_id, "decide_cases")
    report = find_report(tx, by_id, notice_id)
    if not report.case_ids:
        raise Forbidden
    for case in tx.all(_decided, ids=report.case_ids):
        present = find_open_case(tx, case.subject)
        case_id = present.id if present else _open_again(tx, site, case)
        tx.run(_move, notice=notice_id, old=case.id, new_case=case_id)
        recount(tx, case_id)
        tx.run(_reopen_notice, wanted=notice_id)


def _open_again(tx: Transaction, site: Site, case: Any) -> int:
    known = case.reason if case.reason in REASONS else "other"
    opening = Opening(
        subject=case.subject,
        lane=case.lane,
        reason=known,
        severity=case.severity,
        target_account_id=case.target_account_id,
        status_id=case.status_id,
        domain=case.domain,
    )
    return open_case(tx, site, opening)
