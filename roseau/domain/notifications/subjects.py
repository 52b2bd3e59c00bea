"""What notifications of the site itself are about, as their member may see it.

These tables are moderation's, which stands above: here they are only read.
"""

from collections import defaultdict
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import and_, bindparam, case, func, literal, select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import (
    appeal_answers,
    appeals,
    decisions,
    deliveries,
    measures,
    notification_subjects,
    severances,
    statements,
)
from roseau.storage.schema.moderation import terms_versions
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import one_of, statement

#: Mastodon's names for what was done, the hardest last.
Action = Literal["none", "mark_statuses_as_sensitive", "delete_statuses", "silence", "disable", "suspend"]
_ACTIONS: dict[str, Action] = {
    "interstitial": "mark_statuses_as_sensitive",
    "hold": "delete_statuses",
    "remove": "delete_statuses",
    "limit": "silence",
    "freeze": "disable",
    "suspend": "suspend",
}
#: Letters about a decision on the member; the others are about something that they said.
_ABOUT_THEM = frozenset(("statement", "warning", "reversal"))
_ORDER: tuple[Action, ...] = get_args(Action)


class AppealView(msgspec.Struct):
    """An appeal as its author sees it."""

    text: str
    state: Literal["approved", "rejected", "pending"]


class Warning(msgspec.Struct):
    """A decision about the member, in the words that they were told; `id` is the decision's."""

    id: int
    number: int
    action: Action
    subject: str
    text: str
    status_ids: list[int]
    created_at: int
    appeal: AppealView | None


class Letter(msgspec.Struct):
    """Another letter of the moderation: about a notice of the member's, an appeal, a question."""

    subject: str
    text: str
    created_at: int
    #: Where to read on: the notice's number or the decision's, if there is one.
    notice_number: str | None
    decision_number: int | None


class Severance(msgspec.Struct):
    """What a measure cut between the member and others; `id` is the measure's."""

    id: int
    kind: Literal["domain_block", "account_suspension"]
    target_name: str
    followers: int
    following: int
    created_at: int


class Report(msgspec.Struct):
    """A notice, for the team."""

    id: int
    category: str
    comment: str
    forwarded: bool
    created_at: int
    status_ids: list[int]
    rule_ids: list[int]
    target: AccountView | None
    action_taken_at: int | None


class NewTerms(msgspec.Struct):
    """Terms that hold from `since` on."""

    version: int
    since: int


Subject = Warning | Letter | Severance | Report | NewTerms

_ns = notification_subjects
_d = deliveries
_named = statement(select(_ns).where(one_of(_ns.c.notification_id, "ids")))
_letters = statement(
    select(
        _d.c.id,
        _d.c.kind,
        _d.c.subject,
        _d.c.text,
        _d.c.created_at,
        _d.c.decision_id,
        decisions.c.number,
        decisions.c.decided_at,
        statements.c.id.label("reasons"),
        notices.c.number.label("notice_number"),
    )
    .select_from(
        _d.outerjoin(decisions, decisions.c.id == _d.c.decision_id)
        .outerjoin(
            statements,
            and_(statements.c.decision_id == _d.c.decision_id, statements.c.account_id == _d.c.account_id),
        )
        .outerjoin(notices, notices.c.id == _d.c.notice_id)
    )
    .where(one_of(_d.c.id, "ids"), _d.c.account_id == bindparam("member"))
)
_measures = statement(
    select(measures.c.decision_id, measures.c.kind, measures.c.status_id)
    .where(one_of(measures.c.decision_id, "ids"))
    .order_by(measures.c.id)
)
_appeals = statement(
    select(appeals.c.decision_id, appeals.c.text, appeal_answers.c.outcome)
    .select_from(appeals.outerjoin(appeal_answers, appeal_answers.c.appeal_id == appeals.c.id))
    .where(one_of(appeals.c.decision_id, "ids"), appeals.c.account_id == bindparam("member"))
)
_severed = statement(
    select(
        measures.c.id,
        measures.c.kind,
        measures.c.domain,
        measures.c.from_at,
        accounts.c.username,
        accounts.c.domain.label("of_domain"),
        func.sum(case((severances.c.target_id == bindparam("member"), literal(1)), else_=literal(0))),
        func.sum(case((severances.c.account_id == bindparam("member"), literal(1)), else_=literal(0))),
    )
    .select_from(
        measures.join(severances, severances.c.measure_id == measures.c.id).outerjoin(
            accounts, accounts.c.id == measures.c.account_id
        )
    )
    .where(one_of(measures.c.id, "ids"), severances.c.kind == "follow")
    .group_by(
        measures.c.id, measures.c.kind, measures.c.domain, measures.c.from_at, accounts.c.username,
        accounts.c.domain,
    )
)  # fmt: skip
_terms = statement(
    select(terms_versions.c.version, terms_versions.c.since).where(one_of(terms_versions.c.version, "ids")),
    into=NewTerms,
)
_reports = statement(select(notices).where(one_of(notices.c.id, "ids")))
_items = statement(
    select(notice_items.c.notice_id, notice_items.c.status_id)
    .where(one_of(notice_items.c.notice_id, "ids"), notice_items.c.status_id.is_not(None))
    .order_by(notice_items.c.position)
)


def load_subjects(tx: Transaction, member_id: int, notification_ids: list[int]) -> dict[int, Subject]:
    """Notification id -> what it is about; those that are about nothing of this kind are left out."""
    if not notification_ids:
        return {}
    wanted: dict[str, dict[int, int]] = defaultdict(dict)
    for row in tx.all(_named, ids=notification_ids):
        wanted[row.kind][row.notification_id] = row.subject_id
    loaders = {
        "delivery": _load_letters, "measure": _load_severances, "notice": _load_reports, "terms": _load_terms
    }  # fmt: skip
    found: dict[int, Subject] = {}
    for kind, ids in wanted.items():
        loaded = loaders[kind](tx, member_id, list(set(ids.values())))
        found |= {told: loaded[subject] for told, subject in ids.items() if subject in loaded}
    return found


def _load_letters(tx: Transaction, member_id: int, ids: list[int]) -> dict[int, Subject]:
    rows = tx.all(_letters, ids=ids, member=member_id)
    about = [row.decision_id for row in rows if row.decision_id is not None]
    taken: dict[int, list[Any]] = defaultdict(list)
    for measure in tx.all(_measures, ids=about) if about else ():
        taken[measure.decision_id].append(measure)
    appealed = {
        row.decision_id: row for row in (tx.all(_appeals, ids=about, member=member_id) if about else ())
    }
    found: dict[int, Subject] = {}
    for row in rows:
        if row.kind not in _ABOUT_THEM or row.notice_number is not None:
            found[row.id] = Letter(row.subject, row.text, row.created_at, row.notice_number, row.number)
            continue
        own = taken[row.decision_id] if row.reasons else []
        found[row.id] = Warning(
            id=row.decision_id or row.id,
            number=row.number or 0,
            action=max((_ACTIONS.get(one.kind, "none") for one in own), key=_ORDER.index, default="none"),
            subject=row.subject,
            text=row.text,
            status_ids=[one.status_id for one in own if one.status_id is not None],
            created_at=row.decided_at or row.created_at,
            appeal=_to_appeal(appealed.get(row.decision_id)),
        )
    return found


def _to_appeal(row: Any) -> AppealView | None:
    if row is None:
        return None
    if row.outcome is None:
        return AppealView(row.text, "pending")
    return AppealView(row.text, "rejected" if row.outcome == "refused" else "approved")


def _load_severances(tx: Transaction, member_id: int, ids: list[int]) -> dict[int, Subject]:
    found: dict[int, Subject] = {}
    for row in tx.all(_severed, ids=ids, member=member_id):
        acct = f"{row.username}@{row.of_domain}" if row.of_domain else row.username
        found[row.id] = Severance(
            id=row.id,
            kind="domain_block" if row.domain else "account_suspension",
            target_name=row.domain or acct,
            followers=int(row[6]),
            following=int(row[7]),
            created_at=row.from_at,
        )
    return found


def _load_terms(tx: Transaction, member_id: int, ids: list[int]) -> dict[int, Subject]:
    return {terms.version: terms for terms in tx.all(_terms, ids=ids)}


def _load_reports(tx: Transaction, member_id: int, ids: list[int]) -> dict[int, Subject]:
    rows = tx.all(_reports, ids=ids)
    posts: dict[int, list[int]] = defaultdict(list)
    for item in tx.all(_items, ids=ids):
        posts[item.notice_id].append(item.status_id)
    people = load_accounts(tx, [row.target_account_id for row in rows if row.target_account_id])
    return {
        row.id: Report(
            id=row.id,
            category=row.category,
            comment=row.comment,
            forwarded=row.forward,
            created_at=row.received_at,
            status_ids=posts[row.id],
            rule_ids=msgspec.json.decode(row.rule_ids, type=list[int]),
            target=people.get(row.target_account_id),
            action_taken_at=row.outcome_at,
        )
        for row in rows
    }
